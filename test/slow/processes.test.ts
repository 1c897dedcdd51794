import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = (script: string, env: Record<string, string | undefined> = {}) =>
  startProgram(process.execPath, ['-e', script], { env });

/** A zombie counts as gone: if nothing reaps orphans, they stay in the process table. */
function runs(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (runs(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('waits for a line, which may come in pieces, and collects both streams', async () => {
  const program = node(`
    process.stdout.write('worker rea');
    setTimeout(() => { process.stdout.write('dy on x\\n'); console.error('a warning'); }, 50)`);
  expect(await program.waitFor(/ready/)).toBe('worker ready on x');
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(program.stdout()).toBe('worker ready on x\n');
  expect(program.output()).toContain('a warning\n');
  expect(await program.waitFor(/warning/)).toBe('a warning');
});

test('names the program and quotes its output when it ends without the line', async () => {
  const program = node("console.error('no such setting'); process.exit(2)");
  await expect(program.waitFor(/ready/)).rejects.toThrow(/ready\/ before it ended[^]*no such setting/);
});

test('says how long it waited when the line does not come in time', async () => {
  const program = node('setInterval(() => {}, 1000)');
  await expect(program.waitFor(/ready/, 100)).rejects.toThrow('in 0.1 s');
  expect(await program.kill()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a program that does not exist ends with 127', async () => {
  const program = startProgram('no-such-program', []);
  expect(await program.exited).toEqual({ code: 127, signal: null });
  expect(program.output()).toContain('no-such-program');
});

test('adds and removes environment variables and appends the output to a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'processes-'));
  const log = join(folder, 'log');
  const program = startProgram('/bin/sh', ['-c', 'echo "$ADDED, ${HOME-none}"'], {
    env: { ADDED: 'here', HOME: undefined },
    log,
  });
  await program.exited;
  const logged = readFileSync(log, 'utf8');
  rmSync(folder, { recursive: true });
  expect(logged).toBe('here, none\n');
});

test('a program that inherits our streams prints where we print', async () => {
  const script = `
    import { startProgram } from './dev/servers/processes.ts';
    const child = startProgram('sh', ['-c', 'echo to out; echo to err >&2'], { inherit: true });
    await child.exited;
    console.log(JSON.stringify(child.output()));`;
  const parent = startProgram('node', ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root });
  await parent.exited;
  expect(parent.stdout()).toBe('to out\n""\n');
  expect(parent.output()).toContain('to err\n');
});

test('stop sends SIGTERM and gives the exit code', async () => {
  const program = node(
    "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready')",
  );
  await program.waitFor(/ready/);
  expect(await program.stop()).toBe(7);
  expect(await program.stop()).toBe(7);
  program.signal('SIGTERM');
});

test('stop kills what does not stop, and says so', async () => {
  const program = node("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')");
  await program.waitFor(/ready/);
  await expect(program.stop(100)).rejects.toThrow('0.1 s after SIGTERM');
  expect(runs(program.pid)).toBe(false);
});

test('signal reaches the program itself', async () => {
  const program = node(
    "process.on('SIGUSR2', () => console.log('got it')); setInterval(() => {}, 1000); console.log('ready')",
  );
  await program.waitFor(/ready/);
  program.signal('SIGUSR2');
  await program.waitFor(/got it/);
  await program.kill();
});

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('nothing outlives a parent that dies by %s', async (signal) => {
  const script = `
    import { startProgram } from './dev/servers/processes.ts';
    const child = startProgram('sh', ['-c', 'sleep 600 & echo grandchild $!; wait']);
    console.log('child', child.pid, await child.waitFor(/grandchild/), 'ready');`;
  const parent = startProgram('node', ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root });
  const [child, grandchild] = (await parent.waitFor(/ready/)).match(/\d+/g)!.map(Number);
  expect(runs(child!) && runs(grandchild!)).toBe(true);
  parent.signal(signal);
  await parent.exited;
  await untilGone(child!);
  await untilGone(grandchild!);
});

test("what outlives a parent's SIGKILL ends as its last will says", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'processes-'));
  const script = `
    import { startProgram } from './dev/servers/processes.ts';
    const lastWill = 'kill -TERM $$; rm -r ${folder}';
    const child = startProgram('sh', ['-c', 'echo child $$ ready; exec sleep 600'], { lastWill });
    console.log(await child.waitFor(/ready/));`;
  const parent = startProgram('node', ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root });
  const [child] = (await parent.waitFor(/ready/)).match(/\d+/g)!.map(Number);
  parent.signal('SIGKILL');
  await parent.exited;
  await untilGone(child!);
  while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 20));
});
