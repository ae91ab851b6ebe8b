// What ran of one script since the last look, by V8's own block counters.
import { Session } from 'node:inspector';

const session = new Session();
session.connect();

function post(method, parameters) {
  let answer;
  session.post(method, parameters, (problem, result) => {
    if (problem) throw new Error(problem.message);
    answer = result;
  });
  return answer;
}

/** Starts counting; scripts loaded before are not counted block by block. */
export function start() {
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}

let known;

/** The script's number, once it was seen to run. */
export function scriptNumber() {
  return known;
}

/** Ranges of the script since the last look, outer ones first; empty when none of it ran. */
export function ranges(url) {
  const script = post('Profiler.takePreciseCoverage').result.find((one) => one.url === url);
  if (!script) return [];
  known = script.scriptId;
  const found = script.functions.flatMap((one) => one.ranges);
  return found.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
}

/** How often each place ran; places and ranges are in ascending order. */
export function counts(found, places) {
  const open = [];
  let next = 0;
  return places.map((place) => {
    for (; next < found.length && found[next].startOffset <= place; next += 1) {
      while (open.length && open.at(-1).endOffset <= found[next].startOffset) open.pop();
      open.push(found[next]);
    }
    while (open.length && open.at(-1).endOffset <= place) open.pop();
    return open.length ? open.at(-1).count : 0;
  });
}

/** Goals reached: a goal is a place, or two when it wants the first run more often than the second. */
export class Goals {
  constructor(url, goals) {
    this.url = url;
    this.goals = goals;
    this.places = [...new Set(goals.flat())].sort((a, b) => a - b);
    this.order = new Map(this.places.map((place, number) => [place, number]));
  }

  take() {
    const found = ranges(this.url);
    if (found.length === 0) return [];
    const seen = counts(found, this.places);
    const at = (place) => seen[this.order.get(place)];
    const reached = [];
    this.goals.forEach(([place, less], number) => {
      if (at(place) > (less === undefined ? 0 : at(less))) reached.push(number);
    });
    return reached;
  }
}

/** Where a function is written: the url of its script, line and column, from 0. */
export function location(value) {
  globalThis.__gryphLooked = value;
  const held = post('Runtime.evaluate', { expression: 'globalThis.__gryphLooked' }).result;
  delete globalThis.__gryphLooked;
  const { internalProperties = [] } = post('Runtime.getProperties', { objectId: held.objectId, ownProperties: true });
  const place = internalProperties.find((one) => one.name === '[[FunctionLocation]]')?.value?.value;
  return place ? { script: place.scriptId, line: place.lineNumber, column: place.columnNumber } : null;
}
