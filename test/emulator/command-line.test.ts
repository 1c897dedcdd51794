import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENTS, SWITCHES } from '../../emulator/fault-kinds.ts';
import { STATS } from '../../emulator/stats.ts';

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

function emulator(...args: string[]) {
  const child = spawn(process.execPath, ['dist/emulator.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  return child;
}

async function outcome(...args: string[]) {
  const child = emulator(...args);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'says when it is ready and where, and exits with 0 on %s, forwarded by npm or not',
  async (signal) => {
    const child = emulator('--port', '0', '--stores', 'abc=secret,def=other', '--latency', '60000', '--quota', '9');
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    const url = /^BigCommerce emulator ready on (http:\/\/127\.0\.0\.1:\d+) .*\n$/.exec(line)?.[1];
    expect(line).not.toMatch('secret');
    const call = fetch(`${url}/stores/abc/v2/time`, { headers: { 'x-auth-token': 'secret' } });
    call.catch(() => undefined);
    const stats = async () => (await fetch(`${url}/_control/stats?store=abc`)).json() as Promise<{ inFlight: number }>;
    while ((await stats()).inFlight === 0);
    child.kill(signal);
    await sleep(1);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expect(call).rejects.toThrow();
  },
);

test('--help names every fault, counter and control endpoint', async () => {
  const { stdout, code } = await outcome('--help');
  expect(code).toBe(0);
  for (const name of [...Object.keys(EVENTS), ...Object.keys(SWITCHES), ...Object.keys(STATS)]) {
    expect(stdout).toMatch(new RegExp(`^ +${name} `, 'm'));
  }
  for (const path of ['stats', 'customers', 'faults', 'tokens', 'stores', 'reset'])
    expect(stdout).toMatch(`/_control/${path}`);
});

test.each([
  [['--customers', '0'], 'expected a whole number from 1 to 10000000, got 0'],
  [['--page-size', '251'], 'expected a whole number from 1 to 250, got 251'],
  [['--max-url', '99'], 'expected a whole number from 100 to 1000000, got 99'],
  [['--quota', '1.5'], 'expected a whole number from 1 to 1000000, got "1.5"'],
  [
    ['--stores', 'abc'],
    'token of abc: expected a token, 1 to 200 letters, digits, underscores, dots and hyphens, got ""',
  ],
  [['--stores', 'ABC=x'], 'store: expected a store hash, 1 to 32 lower-case letters and digits, got "ABC"'],
  [['--stores', 'a=x,a=y'], 'expected each store once, got a twice'],
])('bad use such as %j is reported on one line, with exit code 2', async (args, message) => {
  const { stdout, stderr, code } = await outcome('--port', '0', ...args);
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a port that is in use is bad use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { stderr, code } = await outcome('--port', String(port));
  expect(code).toBe(2);
  expect(stderr).toBe(`error: can't listen on port ${port} (EADDRINUSE); try --port 0\n`);
  other.close();
});
