// Starts a program of the repository in a folder: `node starting.mjs FOLDER PROGRAM ARGUMENT…`.
import { pathToFileURL } from 'node:url';

const [node, , folder, program, ...rest] = process.argv;
process.chdir(folder);
process.argv = [node, program, ...rest];
await import(pathToFileURL(program).href);
