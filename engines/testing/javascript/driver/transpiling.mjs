// JavaScript of one TypeScript file, made in a thread of its own: a compiler beside the code under
// test would make every look at V8's counters slow.
import fs from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { initialize, withoutTypes } from './loading.mjs';

/** The text that runs. Throws what the compiler throws. */
export function transpiled(file, settings) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { file, settings } });
    worker.once('message', ({ code, problem }) => (problem ? reject(new Error(problem)) : resolve(code)));
    worker.once('error', reject);
  });
}

if (!isMainThread && workerData?.settings) {
  await initialize(workerData.settings);
  try {
    parentPort.postMessage({ code: withoutTypes(workerData.file, fs.readFileSync(workerData.file, 'utf8')) });
  } catch (problem) {
    parentPort.postMessage({ problem: String(problem.message) });
  }
}
