// Builds `dist`: the programs, and the workflows as one bundle, so that a worker starts without bundling.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });
for (const project of ['src', 'emulator']) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
}
writeFileSync('dist/emulator.js', "import './emulator/main.js';\n");

const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: `${root}dist/workflows/index.js`, logger: quiet });
writeFileSync('dist/workflow-bundle.js', code);
