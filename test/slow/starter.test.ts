/** The built command without a server: what a person reads, and the exit code. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';
import { noSettings } from '../support/system.ts';

const STARTER = fileURLToPath(new URL('../../dist/starter.js', import.meta.url));
/** An address at which nobody listens. */
const NOBODY = '127.0.0.1:1';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'starter-'));
  for (const name of ['one.csv', 'one.dat']) writeFileSync(join(folder, name), 'id,notes\n1,hello\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function starter(args: string[], env: Record<string, string> = {}) {
  const program = startProgram(process.execPath, [STARTER, ...args], {
    cwd: folder,
    env: { ...noSettings(), TEMPORAL_ADDRESS: NOBODY, JOB_STORE: `file:${folder}/jobs`, ...env },
  });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

test.each([
  [
    ['--help'],
    [
      'start [options] <file>',
      'list [options]',
      'watch [options] <job>',
      'show [options] <job>',
      'report [options] <job> [file]',
      'purge [options] <job>',
    ],
  ],
  [
    ['start', '--help'],
    ['--store <hash>', '--name <name>', '--dry-run', '--ignore <heading>', '--yes'],
  ],
])('%j prints help with the exit codes, and exits with 0', async (args, parts) => {
  const { code, output } = await starter(args);
  for (const part of [...parts, 'npm run starter --', 'Exit codes:', '130']) expect(output).toContain(part);
  expect(code).toBe(0);
});

const store = ['--store', 'abc123'];

test.each<[string[], string]>([
  [[], 'Usage: npm run starter --'],
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['start', 'one.csv'], "required option '--store <hash>'"],
  [['start', 'one.csv', '--store', 'NO!'], '--store: expected a store hash of 1 to 32 lower-case letters and digits'],
  [['start', 'one.csv', ...store, '--name', 'a/b'], '--name: expected up to 100 letters'],
  [['start', 'one.csv', ...store, '--limit', '0'], 'Expected a whole number from 1.'],
  [['start', 'two.csv', ...store], '/two.csv. Give the path of a CSV, NDJSON or JSON file'],
  [['start', '.', ...store], 'it is a folder. Name a file'],
  [
    ['start', 'https://example.com/one.csv', ...store],
    'Expected a file, or the URI of one, file:/// or s3://, got https://example.com/one.csv. Download it,',
  ],
  [['start', 's3://bucket/one.xlsx', ...store], 'got one.xlsx. Rename it'],
  [['start', 'one.dat', ...store], 'say what it is with --format csv, ndjson or json'],
  [['start', 'file:///data/one.xlsx', ...store], 'got one.xlsx. Rename it'],
  [['watch'], "missing required argument 'job'"],
  [['failures', 'x/y', '--json', '--csv'], "'--csv' cannot be used with option '--json'"],
  [['list', '--limit', '0'], 'Expected a whole number from 1 to 1000.'],
  [['list', '--store', 'NO!'], '--store: expected a store hash'],
])('%j is wrong usage', async (args, words) => {
  const { code, output } = await starter(args);
  expect(output).toContain(words);
  expect(output).not.toMatch(/^ +at /m);
  expect(code).toBe(2);
});

test.each([
  ['http://example.com', 'expected https'],
  ['foo', 'expected a URL such as https://api.bigcommerce.com, got "foo"'],
])('the API URL %s is reported as a wrong setting', async (url, words) => {
  const { code, output } = await starter(['start', 'one.csv', ...store], { BIGCOMMERCE_API_URL: url });
  expect(output).toContain(`BIGCOMMERCE_API_URL: ${words}`);
  expect(output).not.toMatch(/^ +at /m);
  expect(code).toBe(2);
});

test('without a server, every command says which one it tried, how to set another, and how to start one', async () => {
  const commands = [
    ['start', 'one.csv', ...store],
    ['watch', 'x/y'],
    ['show', 'x/y'],
    ['list'],
    ['report', 'x/y'],
    ['purge', 'x/y', '--yes'],
  ];
  for (const { code, output } of await Promise.all(commands.map((args) => starter(args)))) {
    expect(output).toContain(`No Temporal server answers at ${NOBODY}: connect ECONNREFUSED ${NOBODY}.`);
    for (const word of ['TEMPORAL_ADDRESS', 'temporal server start-dev', 'npm run demo']) {
      expect(output).toContain(word);
    }
    expect(output).not.toMatch(/^ +at /m);
    expect(code).toBe(2);
  }
});

test('Ctrl-C before anything has started says so, although npm forwards it a second time', async () => {
  // A server that accepts connections and never answers.
  const silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const connected = new Promise((resolve) => silent.once('connection', resolve));
  const { port } = silent.address() as { port: number };
  const program = startProgram(process.execPath, [STARTER, 'start', 'one.csv', ...store], {
    cwd: folder,
    env: { ...noSettings(), TEMPORAL_ADDRESS: `127.0.0.1:${port}`, JOB_STORE: `file:${folder}/jobs` },
  });
  await connected;
  program.signal('SIGINT');
  await sleep(1);
  program.signal('SIGINT');
  const { code } = await program.exited;
  expect(program.output()).toContain('Nothing was started.');
  expect(code).toBe(130);
  silent.close();
});
