// The jailed program's end of a conversation: JSON lines over the descriptors in GRYPH_CHANNEL.
import fs from 'node:fs';

const [READER, WRITER] = (process.env.GRYPH_CHANNEL ?? '').split(',').map(Number);
delete process.env.GRYPH_CHANNEL;
// Kept from before the code under test could replace them.
const { readSync, writeSync } = fs;
const { parse, stringify } = JSON;
let pending = Buffer.alloc(0);

/** The caller's next message; undefined when the conversation is over. */
export function receive() {
  const chunk = Buffer.alloc(1 << 16);
  for (;;) {
    const end = pending.indexOf(10);
    if (end >= 0) {
      const line = pending.subarray(0, end).toString('utf8');
      pending = pending.subarray(end + 1);
      return parse(line);
    }
    const count = readSync(READER, chunk, 0, chunk.length, null);
    if (count === 0) return undefined;
    pending = Buffer.concat([pending, chunk.subarray(0, count)]);
  }
}

export function send(message) {
  let rest = Buffer.from(`${stringify(message)}\n`, 'utf8');
  while (rest.length > 0) rest = rest.subarray(writeSync(WRITER, rest));
}
