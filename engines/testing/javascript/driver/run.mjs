// Inside the sandbox: runs one test file, or only imports the target, and counts what ran of it.
import Module, { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { receive, send } from './channel.mjs';
import { Goals, start } from './coverage.mjs';
import { failure } from './execution.mjs';
import * as registry from './registry.mjs';
import { steady } from './steadiness.mjs';

const { cpuUsage } = process;
const STAND_IN = new URL('./registry.mjs', import.meta.url).href;
const RUNNERS = ['vitest', '@jest/globals', 'node:test'];

function standIns() {
  const original = Module._load;
  Module._load = (name, ...rest) => (RUNNERS.includes(name) ? registry : original(name, ...rest));
  return Object.fromEntries(RUNNERS.map((name) => [name, STAND_IN]));
}

function shuffled(count, seed) {
  const order = Array.from({ length: count }, (_, place) => place);
  if (!seed) return order;
  const key = (place) => Math.imul(place + seed, 0x9e3779b1) >>> 0;
  return order.sort((a, b) => key(a) - key(b));
}

async function run({ root, target, file, goals, order, clock_ms: clockMs }) {
  register('./loading.mjs', import.meta.url, { data: { root, standIns: standIns() } });
  Object.assign(globalThis, { describe: registry.describe, test: registry.test, it: registry.it, expect: registry.expect });
  start();
  steady(order + 1, clockMs);
  const counted = new Goals(pathToFileURL(target).href, goals);
  try {
    await import(pathToFileURL(file || target).href);
  } catch (problem) {
    return { ok: false, error: failure(problem) };
  }
  const results = await registry.runAll(shuffled(registry.tests.length, order));
  return { ok: true, results, hits: counted.take() };
}

const answer = await run(receive());
const { user, system } = cpuUsage();
send({ ...answer, cpu_s: (user + system) / 1e6 });
process.reallyExit(0);
