// A stand-in for the test runners: collects tests in the order they are written in.
export { expect } from './expectation.mjs';

const REPORT_LIMIT = 400;
export const tests = [];

export function describe(title, body) {
  body();
}

export function test(title, body) {
  tests.push(body);
}

test.each = (rows) => (title, body) => {
  for (const row of rows) tests.push(() => body(...(Array.isArray(row) ? row : [row])));
};

export { test as it };
export default test;

/** Runs all of them in the given order; results are in the order they are written in. */
export async function runAll(order) {
  const results = tests.map(() => ({ passed: false, report: 'not run' }));
  for (const place of order) {
    try {
      await tests[place]();
      results[place] = { passed: true, report: '' };
    } catch (problem) {
      results[place] = { passed: false, report: String(problem?.message ?? problem).slice(0, REPORT_LIMIT) };
    }
  }
  return results;
}
