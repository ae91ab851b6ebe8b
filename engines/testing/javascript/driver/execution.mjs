// Runs one call given as source text, and says what came of it.
import vm from 'node:vm';
import { render, Unstable } from './rendering.mjs';

const CALL_LIMIT_MS = 400;
const WAIT_LIMIT_MS = 250;
const CPU_SHARE = 0.3;
const ITEM_LIMIT = 20;
const MESSAGE_LIMIT = 300;
const { setTimeout: later, clearTimeout: never } = globalThis;
const { cpuUsage } = process;
const START = new vm.Script('__gryph.body()', { filename: 'gryph:call' });
const { getOwnPropertyDescriptors, getPrototypeOf } = Object;
const HUNG = Symbol('hung');

/** `classes` maps a constructor to the name tests know it by. */
export class Execution {
  constructor(bindings, classes) {
    this.bindings = bindings;
    this.classes = classes;
    this.names = Object.keys(bindings).join(', ');
  }

  /** One function for each call, of one script: scripts are expensive to make and to count. */
  compiled(calls) {
    const texts = calls.map((call) => this.text(call));
    const filename = 'gryph:call';
    try {
      return new vm.Script(`[${texts.join(',\n')}]`, { filename }).runInThisContext();
    } catch {
      return texts.map((text) => {
        try {
          return new vm.Script(text, { filename }).runInThisContext();
        } catch {
          return null;
        }
      });
    }
  }

  async run(call, body) {
    if (body === null) return { kind: 'invalid' };
    Object.assign(this, { before: [], args: undefined, subject: undefined, rejected: undefined });
    this.body = () => body(this, this.bindings);
    globalThis.__gryph = this;
    try {
      const [result, awaited] = await settled(this.limited());
      if (result === HUNG) return { kind: awaited ? 'pending' : 'hang' };
      return { ...this.observed(result), awaited, ...this.changes(call) };
    } catch (thrown) {
      if (thrown?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return { kind: 'hang' };
      if (this.args === undefined) return { kind: 'unmade' };
      return { ...failure(thrown), awaited: this.rejected?.[0] === thrown, ...this.changes(call) };
    } finally {
      delete globalThis.__gryph;
    }
  }

  text({ setup, callee, form, args, subject, waits }) {
    const made = args.map((text) => `(${text})`).join(', ');
    const target = form === 'get' ? callee : `${form === 'new' ? 'new ' : ''}${callee}(...$a)`;
    return `(${waits ? 'async ' : ''}($gryph, {${this.names}}) => { ${setup.map((line) => `${line};`).join(' ')}
      const $a = [${made}];
      $gryph.started($a, ${subject || 'undefined'});
      return ${target}; })`;
  }

  /** Called by the script just before the call itself. */
  started(args, subject) {
    this.args = args;
    this.subject = subject;
    this.before = args.map(textOf);
    this.earlier = new Map(fieldsOf(subject));
  }

  limited() {
    const began = cpuUsage();
    try {
      return START.runInThisContext({ timeout: CALL_LIMIT_MS });
    } catch (problem) {
      const spent = cpuUsage(began);
      const isStarved = (spent.user + spent.system) / 1000 < CALL_LIMIT_MS * CPU_SHARE;
      if (problem?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' && isStarved) {
        return START.runInThisContext({ timeout: 5 * CALL_LIMIT_MS });
      }
      throw problem;
    }
  }

  observed(result) {
    if (isIterator(result)) return listed(result);
    try {
      return { kind: 'value', text: render(result), type: typeof result };
    } catch (problem) {
      if (!(problem instanceof Unstable)) throw problem;
    }
    if (typeof result === 'object' && this.classes.has(getPrototypeOf(result)?.constructor)) {
      const type = this.classes.get(getPrototypeOf(result).constructor);
      return { kind: result === this.subject ? 'self' : 'instance', type, fields: fieldsOf(result) };
    }
    return { kind: 'opaque', type: typeof result, length: lengthOf(result) };
  }

  /** What the call changed in its arguments and in its receiver's public fields. */
  changes({ subject }) {
    const changed = {};
    this.args.forEach((value, place) => {
      const text = textOf(value);
      if (text !== null && text !== this.before[place] && this.before[place] !== null) changed[place] = text;
    });
    const state = subject ? fieldsOf(this.subject) : [];
    return { changed, state: state.filter(([name, text]) => this.earlier.get(name) !== text) };
  }
}

async function settled(result) {
  if (typeof result?.then !== 'function') return [result, false];
  let timer;
  const limit = new Promise((resolve) => {
    timer = later(() => resolve(HUNG), WAIT_LIMIT_MS);
  });
  try {
    return [await Promise.race([result, limit]), true];
  } catch (thrown) {
    globalThis.__gryph.rejected = [thrown];
    throw thrown;
  } finally {
    never(timer);
  }
}

function isIterator(value) {
  return typeof value === 'object' && value !== null && typeof value.next === 'function'
    && typeof value[Symbol.iterator] === 'function';
}

function listed(iterator) {
  const found = [];
  for (const item of iterator) {
    if (found.length === ITEM_LIMIT) return { kind: 'opaque', type: 'iterator' };
    found.push(item);
  }
  const text = textOf(found);
  return text === null ? { kind: 'opaque', type: 'iterator' } : { kind: 'items', text };
}

function textOf(value) {
  try {
    return render(value);
  } catch {
    return null;
  }
}

function lengthOf(value) {
  return Array.isArray(value) ? value.length : null;
}

/** Public fields and getters with values a test can compare. */
function fieldsOf(value) {
  if (typeof value !== 'object' || value === null) return [];
  const own = Object.entries(getOwnPropertyDescriptors(value));
  const shared = Object.entries(getOwnPropertyDescriptors(getPrototypeOf(value) ?? {}));
  const readable = [
    ...own.filter(([, held]) => held.enumerable && typeof held.value !== 'function'),
    ...shared.filter(([, held]) => typeof held.get === 'function'),
  ];
  const found = [];
  for (const [name] of readable.slice(0, ITEM_LIMIT)) {
    if (!/^[A-Za-z$][\w$]*$/.test(name)) continue;
    try {
      found.push([name, render(value[name])]);
    } catch {
      // not comparable, or its getter throws
    }
  }
  return found;
}

export function failure(thrown) {
  if (!(thrown instanceof Error)) {
    return { kind: 'error', name: null, message: textOf(thrown) ?? '', frames: [] };
  }
  return {
    kind: 'error',
    name: String(thrown.name),
    type: String(thrown.constructor?.name ?? ''),
    code: typeof thrown.code === 'string' ? thrown.code : null,
    message: String(thrown.message).slice(0, MESSAGE_LIMIT),
    frames: frames(thrown),
  };
}

/** The places the error passed, innermost first, as file, line and column. */
function frames(thrown) {
  const found = [];
  for (const line of String(thrown.stack ?? '').split('\n')) {
    const place = /(?:\(|at )(?:file:\/\/)?([^()]*?):(\d+):(\d+)\)?$/.exec(line);
    if (place) found.push([decodeURI(place[1]), Number(place[2]), Number(place[3])]);
  }
  return found.slice(0, 8);
}

