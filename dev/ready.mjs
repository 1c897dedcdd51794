// Makes a fresh or updated clone ready to run: installs and builds what is missing or out of date. Plain JavaScript
// without imports from node_modules, because it runs before there are any.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { lock } from './lock.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node.js 20.19 or newer is needed; this is ${process.version}. Install it from https://nodejs.org.`);
  process.exit(2);
}

/** Time of the last change below `path`, in ms; 0 if there is nothing. */
function changedAt(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changedAt(`${path}/${name}`)));
}

const SOURCES = ['src', 'emulator', 'dev/build.mjs', 'tsconfig.base.json', 'node_modules/.package-lock.json'];
// After `npm prune --omit=dev` there is no compiler, and the last build is the one to run.
const canBuild = () => existsSync('node_modules/typescript');
const STEPS = [
  {
    what: 'Installing dependencies',
    needed: () => changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json'),
    command: ['npm', 'ci', '--no-audit', '--no-fund'],
  },
  {
    what: 'Building',
    needed: () => changedAt('dist/workflow-bundle.js') < (canBuild() ? Math.max(...SOURCES.map(changedAt)) : 1),
    command: [process.execPath, 'dev/build.mjs'],
  },
];

/**
 * Runs a step until it has really ended, interrupted or not, so that the next one does not meet it. Returns our exit
 * code.
 */
async function run({ what, command: [file, ...args] }) {
  console.error(`${what} …`);
  // Standard output belongs to the command that follows. In its own process group, so that all of it can be stopped.
  const child = spawn(file, args, { stdio: ['ignore', 2, 2], detached: true });
  let interrupted;
  const stop = (signal) => {
    interrupted = 128 + constants.signals[signal];
    // SIGKILL, because npm takes half a minute to stop, and each step starts over anyway.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const [status, signal] = await once(child, 'exit').catch((error) => [error.message]);
  if (interrupted !== undefined || status === 0) return interrupted ?? 0;
  const how = signal ?? (typeof status === 'number' ? `exit code ${status}` : status);
  console.error(`${what}: failed (${how}). The output above, if any, says why.`);
  return 1;
}

if (STEPS.some(({ needed }) => needed())) {
  const unlock = await lock('.cache/ready.lock', (holder) =>
    console.error(`Another command is installing or building (process ${holder}): waiting …`),
  );
  for (const step of STEPS) {
    // Whoever held the lock may have done it.
    if (!process.exitCode && step.needed()) process.exitCode = await run(step);
  }
  unlock();
}
