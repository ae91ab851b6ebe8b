// What a module offers: functions, classes and their members, with where each is written.
import { location, scriptNumber } from './coverage.mjs';

const MEMBER_LIMIT = 80;
const EXPORT_LIMIT = 200;
const { getOwnPropertyDescriptors, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const INHERITED = new Set(['constructor', 'length', 'name', 'prototype', 'caller', 'arguments', 'default']);

/** One entry per callable: name parts from the module on, its kind, and its place in the script. */
export function surface(exported) {
  const found = [];
  const seen = new Set();
  for (const [name, value] of exported) {
    if (typeof value === 'function' && !seen.has(value)) {
      seen.add(value);
      callable(value, [name], found, seen);
    } else if (value !== null && typeof value === 'object' && !seen.has(value)) {
      seen.add(value);
      table(value, [name], found, seen);
    }
  }
  return found.slice(0, EXPORT_LIMIT);
}

function callable(value, path, found, seen) {
  const isClass = /^class\b/.test(Function.prototype.toString.call(value));
  const members = isClass || looksConstructed(value) ? value.prototype : undefined;
  found.push(entry(members ? 'class' : 'function', value, path));
  if (members) methods(members, path, found);
  for (const [name, held] of Object.entries(getOwnPropertyDescriptors(value))) {
    const inner = held.value;
    if (typeof inner !== 'function' || INHERITED.has(name) || name.startsWith('_') || seen.has(inner)) continue;
    seen.add(inner);
    found.push(entry('function', inner, [...path, name]));
  }
}

/** A function of the old style with methods on its prototype is a class, too. */
function looksConstructed(value) {
  const prototype = getOwnPropertyDescriptor(value, 'prototype')?.value;
  return Boolean(prototype) && Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor')
    && !/^(?:async\s+)?function\s*\*/.test(Function.prototype.toString.call(value));
}

function table(value, path, found, seen) {
  const own = Object.entries(getOwnPropertyDescriptors(value));
  const isPlain = [Object.prototype, null].includes(getPrototypeOf(value));
  for (const [name, held] of own.slice(0, MEMBER_LIMIT)) {
    if (!isPlain || typeof held.value !== 'function' || name.startsWith('_') || seen.has(held.value)) continue;
    seen.add(held.value);
    callable(held.value, [...path, name], found, seen);
  }
}

function methods(prototype, path, found) {
  let level = prototype;
  const taken = new Set();
  while (level && level !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(level)) {
      const held = getOwnPropertyDescriptor(level, name);
      if (INHERITED.has(name) || name.startsWith('_') || taken.has(name)) continue;
      taken.add(name);
      if (held.get) found.push(entry('getter', held.get, [...path, name]));
      else if (typeof held.value === 'function') found.push(entry('method', held.value, [...path, name]));
    }
    level = ownLevel(getPrototypeOf(level));
  }
}

/** A parent class only where the same script declares it. */
function ownLevel(level) {
  const maker = level && getOwnPropertyDescriptor(level, 'constructor')?.value;
  return typeof maker === 'function' && location(maker)?.script === scriptNumber() ? level : undefined;
}

function entry(kind, value, path) {
  const place = location(value);
  const isOwn = place?.script === scriptNumber();
  return {
    kind,
    path,
    name: String(value.name ?? ''),
    length: Number(value.length) || 0,
    async: value.constructor?.name === 'AsyncFunction',
    line: isOwn ? place.line : -1,
    column: isOwn ? place.column : -1,
  };
}
