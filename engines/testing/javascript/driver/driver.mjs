// Inside the sandbox: imports the module under test once and runs batches of calls on it.
import fs from 'node:fs';
import { createRequire, register, SourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import { receive, send } from './channel.mjs';
import { Goals, ranges, start } from './coverage.mjs';
import { Execution, failure } from './execution.mjs';
import { isForeign } from './loading.mjs';
import { steady } from './steadiness.mjs';
import { surface } from './surface.mjs';
import { transpiled } from './transpiling.mjs';

const GROUP = 8;
const { cpuUsage } = process;
const state = { url: '', exported: new Map(), execution: undefined, goals: undefined };

function cpuSeconds() {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/** Imports the target; its text as executed and what it offers. */
async function load({ file, root, random, clock_ms: clockMs }) {
  const settings = { root, standIns: {} };
  const written = fs.readFileSync(file, 'utf8');
  if (isForeign(file, written)) {
    register('./loading.mjs', import.meta.url, { data: settings });
  }
  let code = written;
  try {
    if (/\.[cm]?tsx?$/.test(file)) code = await transpiled(file, settings);
  } catch (problem) {
    return { ok: false, problem: problem.message.startsWith('GRYPH_') ? 'typescript' : 'syntax', error: failure(problem) };
  }
  state.url = pathToFileURL(file).href;
  start();
  steady(random, clockMs);
  try {
    state.exported = await imported(file);
  } catch (problem) {
    return { ok: false, problem: 'import', error: failure(problem) };
  }
  ranges(state.url);
  return { ok: true, code, lines: originalLines(code), surface: surface(state.exported), names: [...state.exported.keys()] };
}

/** The module's names: of a CommonJS module its one value, called `module.exports`. */
async function imported(file) {
  const names = await import(state.url);
  const whole = createRequire(file).cache?.[file];
  if (whole) return commonNames(whole.exports);
  return new Map(Object.entries(names));
}

function commonNames(value) {
  const names = new Map([['module.exports', value]]);
  if (typeof value === 'object' && value !== null) {
    names.clear();
    for (const [name, held] of Object.entries(value)) names.set(name, held);
  }
  return names;
}

/** For each line of what runs, the line it was written on; empty where they are the same. */
function originalLines(code) {
  const inline = /\n\/\/# sourceMappingURL=data:[^,]*;base64,([\w+/=]+)\s*$/.exec(code);
  if (!inline) return [];
  const map = new SourceMap(JSON.parse(Buffer.from(inline[1], 'base64').toString('utf8')));
  return code.split('\n').map((text, line) => {
    const found = map.findEntry(line, Math.max(0, text.search(/\S/)));
    return (found?.originalLine ?? line) + 1;
  });
}

function bound(names) {
  const bindings = {};
  const classes = new Map();
  for (const [local, path] of Object.entries(names)) {
    const [first, ...rest] = path;
    bindings[local] = rest.reduce((value, name) => value[name], state.exported.get(first));
    if (typeof bindings[local] === 'function') classes.set(bindings[local], local);
  }
  state.execution = new Execution(bindings, classes);
}

/**
 * Looking at the counters is what costs: calls of a group are looked at alone if it shows more.
 * Results are sent as they come, and each call is announced, so that one that never ends is known.
 */
async function batch({ calls, enough }) {
  const bodies = state.execution.compiled(calls);
  const known = new Set(enough);
  const size = enough ? GROUP : 1;
  state.goals.take();
  for (let first = 0; first < calls.length; first += size) {
    const places = Array.from({ length: Math.min(size, calls.length - first) }, (_, n) => first + n);
    let seen = await ran(places, calls, bodies);
    const hits = state.goals.take();
    if (places.length === 1) seen = [{ ...seen[0], hits }];
    else if (!hits.every((goal) => known.has(goal))) {
      seen = [];
      for (const place of places) {
        seen.push({ ...(await ran([place], calls, bodies))[0], hits: state.goals.take() });
      }
    }
    send({ results: seen });
  }
  return { done: true };
}

async function ran(places, calls, bodies) {
  const seen = [];
  for (const place of places) {
    send({ at: place });
    seen.push(await state.execution.run(calls[place], bodies[place]));
  }
  return seen;
}

async function answer(request) {
  switch (request.do) {
    case 'import':
      return load(request);
    case 'prepare':
      bound(request.bindings);
      state.goals = new Goals(state.url, request.goals);
      return {};
    default:
      return batch(request);
  }
}

for (let request = receive(); request !== undefined; request = receive()) {
  send({ ...(await answer(request)), cpu_s: cpuSeconds() });
}
process.reallyExit(0);
