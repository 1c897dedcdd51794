/**
 * Breaks a copy of the last commit in each way that test/mutants/*.patch describes, and expects the test that the patch
 * names to fail. Exits with 1 if a mutant survives.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'test/mutants');

/** Runs a command and returns what it printed. Throws if it fails. */
function run(cwd: string, file: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** The test that a patch names, in a line `Red: file "start of its name"` before the diff. */
function redTest(patch: string): { file: string; name: string } {
  const [, file, name] = /^Red: (\S+) "(.+)"$/m.exec(readFileSync(patch, 'utf8')) ?? [];
  if (file && name) return { file, name };
  throw new Error(`Expected a line such as: Red: test/e2e/job.test.ts "a job of 2,000", in ${patch}.`);
}

/** Whether the named test fails in the copy. Throws if there is no such test: that would prove nothing. */
function isRed(copy: string, { file, name }: { file: string; name: string }): boolean {
  const result = join(copy, 'result.json');
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const jest = [
    'node_modules/jest/bin/jest.js',
    '--config',
    'test/slow/jest.config.js',
    file,
    '-t',
    pattern,
    '--json',
    '--outputFile',
    result,
  ];
  spawnSync(process.execPath, jest, { cwd: copy });
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(result, 'utf8')) as Record<string, number>;
  if (numPassedTests === 0 && numFailedTests === 0) throw new Error(`${file} has no test "${name}".`);
  return numFailedTests !== 0;
}

const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
run(root, 'git', 'worktree', 'add', '--detach', '--quiet', copy, 'HEAD');
let survivors = 0;
try {
  for (const shared of ['node_modules', '.cache']) symlinkSync(join(root, shared), join(copy, shared));
  for (const name of readdirSync(folder).sort()) {
    const patch = join(folder, name);
    const test = redTest(patch);
    run(copy, 'git', 'apply', patch);
    run(copy, process.execPath, 'dev/build.mjs');
    const red = isRed(copy, test);
    run(copy, 'git', 'checkout', '--quiet', '.');
    if (!red) survivors++;
    console.log(`${name}: ${red ? 'noticed by' : 'SURVIVED'} ${test.file} "${test.name}"`);
  }
} finally {
  run(root, 'git', 'worktree', 'remove', '--force', copy);
}
if (survivors > 0) process.exitCode = 1;
