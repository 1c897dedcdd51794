// Makes a fresh clone, or one that was just updated, ready to run: installs and builds what is missing or out of date.
// Plain JavaScript without imports from node_modules, because it runs before there are any.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node.js 20.19 or newer is needed; this is ${process.version}. Install it from https://nodejs.org.`);
  process.exit(2);
}

/** Time of the last change below `path`, in ms; 0 where there is nothing. */
function changedAt(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changedAt(`${path}/${name}`)));
}

function step(what, file, args) {
  console.error(`${what} …`);
  try {
    // Standard output belongs to the command that follows.
    execFileSync(file, args, { stdio: ['ignore', 2, 2] });
  } catch (error) {
    console.error(`${what}: failed. The output above says why.`);
    process.exit(error.status || 1);
  }
}

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  step('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund']);
}
const sources = ['src', 'emulator', 'dev/build.mjs', 'tsconfig.base.json', 'node_modules/.package-lock.json'];
if (changedAt('dist/workflow-bundle.js') < Math.max(...sources.map(changedAt))) {
  step('Building', process.execPath, ['dev/build.mjs']);
}
