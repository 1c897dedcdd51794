import { mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';

const lockModule = fileURLToPath(new URL('../../dev/lock.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lock-'));
const path = join(folder, 'cache', 'lock');
afterAll(() => rmSync(folder, { recursive: true }));

/** A process that takes the lock, says so, and gives it back after `heldMs`; with 0 it dies without. */
function holder(heldMs: number) {
  const script = `
    import { lock } from ${JSON.stringify(lockModule)};
    const unlock = await lock(${JSON.stringify(path)}, (pid) => console.log('waits for', pid));
    console.log('has it');
    setTimeout(() => ${heldMs} === 0 ? process.kill(process.pid, 'SIGKILL') : unlock(), ${heldMs});`;
  return startProgram(process.execPath, ['--input-type=module', '-e', script]);
}

test('one has it and the other waits, knowing for whom', async () => {
  const first = holder(1_000);
  await first.waitFor(/has it/);
  expect(readlinkSync(path)).toBe(String(first.pid));
  const second = holder(1);
  await second.waitFor(new RegExp(`waits for ${first.pid}`));
  await Promise.all([first.exited, second.exited]);
  expect(second.output()).toBe(`waits for ${first.pid}\nhas it\n`);
});

test('what a dead process holds is free', async () => {
  const dead = holder(0);
  await dead.exited;
  expect(readlinkSync(path)).toBe(String(dead.pid));
  const next = holder(1);
  await next.exited;
  expect(next.output()).toBe('has it\n');
  expect(() => symlinkSync('free again', path)).not.toThrow();
});
