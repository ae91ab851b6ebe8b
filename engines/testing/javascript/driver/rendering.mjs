// Writes values as JavaScript source that means the same in every process, or says it cannot.

const TEXT_LIMIT = 1500;
const DEPTH_LIMIT = 6;
const ITEM_LIMIT = 60;
const ESCAPES = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'" };
const { hasOwn, is, keys, getPrototypeOf, getOwnPropertySymbols, getOwnPropertyDescriptor } = Object;
const isArray = Array.isArray;

export class Unstable extends Error {}

/** Source of a value; throws Unstable where there is none that a test could compare with. */
export function render(value) {
  const text = written(value, []);
  if (text.length > TEXT_LIMIT) throw new Unstable('too long');
  return text;
}

export function quoted(text) {
  const body = text.replace(
    /[\\'\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (sign) => ESCAPES[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `'${body}'`;
}

function written(value, above) {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : structure(value, above);
    default:
      throw new Unstable(typeof value);
  }
}

function structure(value, above) {
  if (above.length > DEPTH_LIMIT || above.includes(value)) throw new Unstable('too deep');
  const inner = [...above, value];
  if (isArray(value)) return list(value, inner);
  const prototype = getPrototypeOf(value);
  if (prototype === null) return `Object.assign(Object.create(null), ${fields(value, inner)})`;
  if (prototype === Object.prototype) return fields(value, inner);
  return builtin(value, prototype, inner);
}

function builtin(value, prototype, inner) {
  switch (prototype) {
    case Map.prototype:
      return `new Map(${value.size ? list([...Map.prototype.entries.call(value)], inner) : ''})`;
    case Set.prototype:
      return `new Set(${value.size ? list([...Set.prototype.values.call(value)], inner) : ''})`;
    case Date.prototype: {
      const time = Date.prototype.getTime.call(value);
      return `new Date(${Number.isNaN(time) ? 'NaN' : quoted(new Date(time).toISOString())})`;
    }
    case RegExp.prototype:
      if (value.lastIndex !== 0) throw new Unstable('a used regular expression');
      return RegExp.prototype.toString.call(value);
    case Uint8Array.prototype:
      return `new Uint8Array(${list([...value], inner)})`;
    case Buffer.prototype:
      return `Buffer.from(${list([...value], inner)})`;
    default:
      throw new Unstable('an object of a class');
  }
}

function list(value, inner) {
  if (value.length > ITEM_LIMIT || keys(value).length !== value.length) {
    throw new Unstable('a long array, or one with holes or names');
  }
  return `[${value.map((item) => written(item, inner)).join(', ')}]`;
}

function fields(value, inner) {
  const names = keys(value);
  if (names.length > ITEM_LIMIT || getOwnPropertySymbols(value).length > 0) {
    throw new Unstable('a large object, or one with symbols');
  }
  const pairs = names.map((name) => {
    const held = getOwnPropertyDescriptor(value, name);
    if (!hasOwn(held, 'value')) throw new Unstable('a computed property');
    return `${property(name)}: ${written(held.value, inner)}`;
  });
  return pairs.length ? `{ ${pairs.join(', ')} }` : '{}';
}

function property(name) {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}
