// A strict stand-in for Jest's `expect`: what it accepts, Jest accepts as well.
import assert from 'node:assert/strict';

const HALF = 0.5;

class Expectation {
  constructor(value) {
    this.value = value;
  }

  toBe(expected) {
    assert.ok(Object.is(this.value, expected), `got ${String(this.value)}, not ${String(expected)}`);
  }

  toEqual(expected) {
    assert.deepStrictEqual(this.value, expected);
  }

  toStrictEqual(expected) {
    assert.deepStrictEqual(this.value, expected);
  }

  toBeUndefined() {
    assert.equal(this.value, undefined);
  }

  toBeNull() {
    assert.equal(this.value, null);
  }

  toBeCloseTo(expected, digits) {
    assert.ok(Math.abs(this.value - expected) < HALF * 10 ** -digits, `${this.value} is far from ${expected}`);
  }

  toBeInstanceOf(expected) {
    assert.ok(this.value instanceof expected, `no ${expected.name}`);
  }

  toThrow(expected) {
    let thrown;
    let count = 0;
    try {
      this.value();
    } catch (problem) {
      thrown = problem;
      count += 1;
    }
    assert.equal(count, 1, 'nothing was thrown');
    compared(thrown, expected);
  }

  get rejects() {
    const promise = this.value;
    return {
      async toThrow(expected) {
        let thrown;
        let count = 0;
        try {
          await promise;
        } catch (problem) {
          thrown = problem;
          count += 1;
        }
        assert.equal(count, 1, 'nothing was rejected');
        compared(thrown, expected);
      },
    };
  }
}

function compared(thrown, expected) {
  if (typeof expected === 'string') {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    assert.ok(message.includes(expected), `the message is ${message}`);
  } else if (typeof expected === 'function') {
    assert.ok(thrown instanceof expected, `no ${expected.name} was thrown`);
  }
}

export function expect(value) {
  return new Expectation(value);
}
