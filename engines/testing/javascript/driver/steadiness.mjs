// Chance and the clock as the caller wants them, and nothing that leaves or floods the process.

/** Chance follows `seed`; the clock is ahead by `aheadMs`, so that what depends on it shows. */
export function steady(seed, aheadMs) {
  let state = seed >>> 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  if (aheadMs) shiftClock(aheadMs);
  silence();
}

function shiftClock(aheadMs) {
  const Real = Date;
  const now = Real.now.bind(Real);
  const Shifted = new Proxy(Real, {
    construct: (target, given, maker) => Reflect.construct(target, given.length ? given : [now() + aheadMs], maker),
    apply: () => new Real(now() + aheadMs).toString(),
    get: (target, name) => (name === 'now' ? () => now() + aheadMs : Reflect.get(target, name)),
  });
  Real.prototype.constructor = Shifted;
  globalThis.Date = Shifted;
}

function silence() {
  class Exit extends Error {}
  process.exit = (code) => {
    throw new Exit(`process.exit(${code ?? ''})`);
  };
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (text, encoding, done) => {
      const called = typeof encoding === 'function' ? encoding : done;
      if (called) process.nextTick(called);
      return true;
    };
  }
  process.on('unhandledRejection', () => {});
  process.on('uncaughtException', () => {});
}
