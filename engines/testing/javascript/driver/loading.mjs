// Resolves and loads what plain Node does not: TypeScript, ES modules in .js files, stand-ins.
import fs from 'node:fs';
import module, { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TYPED = /\.[cm]?tsx?$/;
const SCRIPT = /\.[cm]?[jt]sx?$/;
const MODULE_SYNTAX = /^\s*(?:import\s*(?:[\w$*{'"]|$)|export\s+(?:[*{]|default\b|const\b|let\b|var\b|function\b|class\b|async\b|enum\b|interface\b|type\b|abstract\b|declare\b|namespace\b))/m;
const ENDINGS = ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.jsx', '/index.ts', '/index.js'];
let settings = { root: '/', standIns: {} };
let compiler;

/** Whether plain Node cannot load this file by itself. */
export function isForeign(file, text) {
  return TYPED.test(file) || (/\.jsx?$/.test(file) && MODULE_SYNTAX.test(text));
}

export async function initialize(given) {
  settings = given;
}

export async function resolve(specifier, context, next) {
  const standIn = settings.standIns[specifier];
  if (standIn) return { url: standIn, shortCircuit: true };
  try {
    return await next(specifier, context);
  } catch (problem) {
    const found = nearby(specifier, context.parentURL);
    if (found) return { url: found, shortCircuit: true };
    throw problem;
  }
}

/** `./a` for ./a.ts, and `./a.js` for ./a.ts, as TypeScript writes its imports. */
function nearby(specifier, parent) {
  if (!/^\.{1,2}(?:\/|$)/.test(specifier) || !parent?.startsWith('file:')) return undefined;
  const whole = path.resolve(path.dirname(fileURLToPath(parent)), specifier);
  const stems = [whole, whole.replace(/\.[cm]?jsx?$/, '')];
  const options = stems.flatMap((stem) => ENDINGS.map((ending) => stem + ending));
  const found = options.find((option) => fs.existsSync(option) && fs.statSync(option).isFile());
  return found && pathToFileURL(fs.realpathSync(found)).href;
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !SCRIPT.test(url) || url.includes('/node_modules/')) {
    return next(url, context);
  }
  const file = fileURLToPath(url);
  const text = fs.readFileSync(file, 'utf8');
  if (TYPED.test(url)) {
    return { format: 'module', source: withoutTypes(file, text), shortCircuit: true };
  }
  if (isForeign(url, text)) {
    return { format: 'module', source: text, shortCircuit: true };
  }
  return next(url, context);
}

/** JavaScript of a TypeScript file: by the repository's compiler, else by Node itself. */
export function withoutTypes(file, text) {
  const typescript = repositoryCompiler();
  if (typescript) {
    const { ModuleKind, ScriptTarget, JsxEmit } = typescript;
    return typescript.transpileModule(text, {
      fileName: file,
      compilerOptions: {
        module: ModuleKind.ESNext,
        target: ScriptTarget.ES2022,
        jsx: JsxEmit.React,
        inlineSourceMap: true,
        experimentalDecorators: true,
      },
    }).outputText;
  }
  if (module.stripTypeScriptTypes) return module.stripTypeScriptTypes(text, { mode: 'strip' });
  throw new Error('GRYPH_NO_TYPESCRIPT');
}

function repositoryCompiler() {
  if (compiler === undefined) {
    try {
      compiler = createRequire(path.join(settings.root, 'package.json'))('typescript');
    } catch {
      compiler = null;
    }
  }
  return compiler;
}
