// Builds `dist`: the programs, and the workflows as one bundle, so that a worker starts without bundling.
import { spawnSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { runs } from './lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
// Left over from interrupted builds.
for (const name of readdirSync('.')) {
  const [, pid] = /^dist\.(\d+)$/.exec(name) ?? [];
  if (pid && !runs(pid)) rmSync(name, { recursive: true });
}
// Built beside `dist` and then swapped in as a whole, because programs may be starting from it.
const fresh = `dist.${process.pid}`;
for (const [project, outDir] of [
  ['src', fresh],
  ['emulator', `${fresh}/emulator`],
]) {
  const tsc = ['node_modules/typescript/bin/tsc', '-p', project, '--outDir', outDir];
  const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    process.exit(status ?? 1);
  }
}
writeFileSync(`${fresh}/emulator.js`, "import './emulator/main.js';\n");

const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
// From the sources, so that stack traces name those.
const converter = `${root}src/payloads/converter.ts`;
const bundle = { workflowsPath: `${root}src/workflows/index.ts`, payloadConverterPath: converter, logger: quiet };
const encrypting = { ...bundle, failureConverterPath: converter };
for (const [name, options] of Object.entries({ 'workflow-bundle-encrypting': encrypting, 'workflow-bundle': bundle })) {
  writeFileSync(`${fresh}/${name}.js`, withoutRoot((await bundleWorkflowCode(options)).code));
}
rmSync('dist', { recursive: true, force: true });
renameSync(fresh, 'dist');

/** The bundle with paths relative to the package in its source map, because failures in histories show them. */
function withoutRoot(code) {
  const at = code.lastIndexOf(',') + 1;
  const map = Buffer.from(code.slice(at), 'base64').toString().replaceAll(root, '');
  return code.slice(0, at) + Buffer.from(map).toString('base64');
}
