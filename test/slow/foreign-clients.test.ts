/** The example clients against a real system: in Python, on the command line, and as a service. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { failuresQuery, outcomesQuery, pauseUpdate, progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { expectNoFailedTask, untilDone } from '../support/jobs.ts';
import { breaks } from '../support/json-schemas.ts';
import { pythonPath } from '../support/python.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(root, 'examples');

const system = useSystem({
  tokens: { abc123: 'secret-token-of-abc123' },
  emulator: ['--customers', '1000', '--latency', '50'],
});
let folder: string;
let env: Record<string, string | undefined>;
let service: Program;
let serviceUrl: string;

/** How a program ended, and what it printed on both streams. */
interface Ran {
  code: number | null;
  output: string;
}

async function run(file: string, args: string[], cwd = folder): Promise<Ran> {
  const program = startProgram(file, args, { env, cwd });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

/** The example service, compiled and started without being installed: package.test.ts does that. */
async function startService(): Promise<void> {
  await cp(join(examples, 'service'), join(folder, 'service'), {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path),
  });
  await mkdir(join(folder, 'node_modules'));
  const packages = { '@temporalio': 'node_modules/@temporalio', '@types': 'node_modules/@types' };
  for (const [name, from] of Object.entries({ ...packages, 'bigcommerce-customer-updates': '.' })) {
    await symlink(join(root, from), join(folder, 'node_modules', name));
  }
  const compiled = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'service']);
  if (compiled.code !== 0) throw new Error(compiled.output);
  service = startProgram(process.execPath, ['service/dist/server.js'], { cwd: folder, env: { ...env, PORT: '0' } });
  serviceUrl = /http:\S+/.exec(await service.waitFor(/ready/))?.[0] ?? '';
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foreign-'));
  const [packages, temporal] = await Promise.all([
    pythonPath(join(examples, 'python/requirements.txt')),
    findTemporal(),
  ]);
  if (temporal !== 'temporal') await symlink(temporal, join(folder, 'temporal'));
  env = { ...system.env, PYTHONPATH: packages, PATH: `${folder}:${process.env['PATH']}` };
  await startService();
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true });
});

const file = async (name: string, value: unknown): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(value));
  return path;
};
const python = (...args: string[]) => run('python3', [join(examples, 'python/customer_update.py'), ...args]);
const follow = (...args: string[]) => run(join(examples, 'command-line/follow.sh'), args);

async function post(path: string, body: string): Promise<{ status: number; answer: string }> {
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${serviceUrl}/stores/${path}`, init);
  return { status: response.status, answer: await response.text() };
}

const rows = [...customers(30), { id: 999_999, notes: 'nobody' }, { id: 31, first_name: '' }];

test('a Python program follows a job to its end, reports who was not updated, and can follow it again', async () => {
  const path = await file('rows.json', rows);
  const { code, output } = await python('abc123', 'python', '--customers', path);
  expect(output).toMatch(/^total 32, updated 30, rejected 1, failed 0, invalid 1, unprocessed 0$/m);
  expect(output).toMatch(
    /^row 31, id 999999: rejected \(unknown_id\), .+\nrow 32, id 31: invalid \(invalid_field\), .+$/m,
  );
  expect(output).toMatch(/^report: file:.*report\.csv$/m);
  expect(code).toBe(1);
  expect((await python('abc123', 'python', '--customers', path)).output).toContain('total 32, updated 30');
});

test('a Python program sets attributes by their names', async () => {
  const path = await file('tiers.json', [
    { id: 1, attributes: { 'Loyalty Tier': 'Gold', Points: 5 } },
    { id: 2, attributes: { Tier: 'Gold' } },
  ]);
  const { output } = await python('abc123', 'tiers', '--customers', path);
  expect(output).toMatch(/^row 2, id 2: invalid \(unknown_attribute\), .*Its attributes: "Loyalty Tier", /m);
  expect(await system.customer(1, 'abc123')).toMatchObject({ _attributes: { 1: 'Gold', 2: '5' } });
});

test('the Python program reports what a job waits for, all pages of failures, and how a job ended', async () => {
  const path = await file(
    'nobody.json',
    Array.from({ length: 700 }, (_, n) => ({ id: 0, notes: `${n}` })),
  );
  const all = await python('abc123', 'pages', '--customers', path);
  expect(all.output.match(/^row \d+, /gm)).toHaveLength(700);
  expect(all.code).toBe(1);

  await system.control('faults', { fault: 'latency', ms: 3_000 });
  const args = [
    join(examples, 'python/customer_update.py'),
    'abc123',
    'waits',
    '--customers',
    await file('x.json', rows),
  ];
  const program = startProgram('python3', args, { env });
  await program.waitFor(/^running: 0 of 32 updated$/);
  const job = system.client.workflow.getHandle('customer-updates/abc123/waits');
  await job.executeUpdate(pauseUpdate, { args: [{ reason: 'lunch' }] });
  await program.waitFor(/^paused: .*, waiting for pause: Paused by a person \(lunch\)/);
  await job.cancel();
  expect((await program.exited).code).toBe(3);
  expect(program.output()).toMatch(/cancelled/i);
  await system.control('reset', {});
});

test("the Python program's exit code distinguishes bad use from a failed job", async () => {
  const readme = join(examples, 'python/README.md');
  const ran = await Promise.all([
    python('abc123', 'none'),
    python('abc123', 'none', '--customers', readme),
    python('abc123', 'elsewhere', '--uri', 'file:///etc/passwd.csv'),
  ]);
  expect(ran.map(({ code }) => code)).toEqual([2, 2, 3]);
  expect(ran[2].output).toMatch(/^BadSource: .*SOURCE_ROOTS/m);
});

describe('the commands of the command line’s README', () => {
  let blocks: { kind: string; text: string }[];
  const outputs: string[] = [];

  beforeAll(async () => {
    const readme = await readFile(join(examples, 'command-line/README.md'), 'utf8');
    blocks = [...readme.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, kind = '', text = '']) => ({ kind, text }));
    await cp(join(examples, 'command-line'), join(folder, 'cli'), { recursive: true });
    // Time to pause and to cancel.
    await system.control('faults', { fault: 'latency', ms: 3_000 });
    for (const { kind, text } of blocks.filter(({ kind }) => kind === 'sh')) {
      const { code, output } = await run('sh', ['-ec', text], join(folder, 'cli'));
      outputs.push(output);
      if (code !== 0) throw new Error(`${kind} ${text} ended with ${code}:\n${output}`);
      if (text.includes('workflow cancel')) await system.control('reset', {});
    }
  });

  test('do what is said there', () => {
    const [start, progress, pause, result, failures, outcomes, cancelled, , followed] = outputs;
    expect(start).toMatch(/WorkflowId +customer-updates\/abc123\/spring/);
    expect(progress).toMatch(/"state": "(preparing|running)"/);
    expect(pause).toMatch(/state:(preparing|paused)[^]*Name +resume/);
    expect(result).toMatch(/COMPLETED[^]*"updated":1/);
    expect(failures).toMatch(/"code": "unknown_id"[^]*"row": 2/);
    expect(outcomes).toMatch(/"state": "done"/);
    expect(cancelled).toMatch(/CANCELED[^]*"report": "file:[^]*"state": "cancelled"/);
    expect(followed).toMatch(/"updated": 1/);
  });

  test('print what is said there', () => {
    const printed = blocks.filter(({ kind }) => kind === '').map(({ text }) => text.trim().split('\n'));
    expect(printed).toHaveLength(1);
    const said = outputs
      .join('\n')
      .split('\n')
      .map((line) => line.trim());
    for (const lines of printed) expect(said).toEqual(expect.arrayContaining(lines.map((line) => line.trim())));
  });
});

test('a shell script follows a job to its end, and its exit code says how it ended', async () => {
  const input = await file('input.json', { storeHash: 'abc123', source: { customers: rows } });
  const { code, output } = await follow('customer-updates/abc123/script', input);
  expect(output).toMatch(/"total": 32,[^]*"row": 32/);
  expect(code).toBe(1);
  expect((await follow('customer-updates/abc123/script-2', join(examples, 'python/README.md'))).code).toBe(2);
});

test('the service follows a job to its end', async () => {
  expect(await post('abc123/jobs/served', JSON.stringify(rows))).toMatchObject({ status: 202 });
  const ask = async () => (await fetch(`${serviceUrl}/stores/abc123/jobs/served`)).json() as Promise<{ state: string }>;
  await until(async () => (await ask()).state === 'completed');
  expect(await ask()).toMatchObject({ customers: { total: 32, updated: 30, rejected: 1, invalid: 1 } });
});

/** The job failed as bad input within seconds, even on a busy machine, and none of its workflow tasks failed. */
async function expectBadInput(workflowId: string): Promise<void> {
  const { events = [] } = await system.client.workflow.getHandle(workflowId).fetchHistory();
  const last = events?.at(-1);
  const failure = last?.workflowExecutionFailedEventAttributes?.failure;
  expect(failure?.applicationFailureInfo).toMatchObject({ type: 'BadInput', nonRetryable: true });
  expectNoFailedTask(events);
  expect(Number(last?.eventTime?.seconds) - Number(events?.[0]?.eventTime?.seconds)).toBeLessThanOrEqual(30);
}

const inline = (store: unknown, list: unknown) => ({ storeHash: store, source: { customers: list } });
const many = Array.from({ length: 1_001 }, (_, n) => ({ id: n + 1 }));
const AN_INPUT =
  'Expected a job\'s input: one argument, an object in JSON (json/plain) such as {"storeHash": "abc123", "source": {"uri": ' +
  '"s3://bucket/customers.csv"}}, got ';

// The service takes customers and makes the input itself, so some mistakes can't be made there.
test.each<[string, unknown, string, [string, unknown, string] | null]>([
  [
    'a store hash in capitals',
    inline('ABC', []),
    'storeHash: expected a store hash: 1 to 32 lower-case letters and digits, got text.',
    ['ABC', [], 'BadInput: storeHash: expected a store hash: 1 to 32 lower-case letters and digits, got text.'],
  ],
  [
    '1,001 customers inline',
    inline('abc123', many),
    'source.customers: expected a list of at most 1000 customers; a file (source.uri) may have more, got a list of 1001.',
    [
      'abc123',
      many,
      'BadInput: source.customers: expected a list of at most 1000 customers; a file (source.uri) may have more, got a list of ' +
        '1001. An iterable other than an array, such as an async generator, can have any number.',
    ],
  ],
  [
    'one customer instead of a list',
    inline('abc123', { id: 1 }),
    'source.customers: expected a list of at most 1000 customers; a file (source.uri) may have more, got an object.',
    ['abc123', { id: 1 }, 'BadBody: expected a JSON list of customers.'],
  ],
  ['a bare number', 7, `${AN_INPUT}a number.`, ['abc123', 7, 'BadBody: expected a JSON list of customers.']],
  [
    'JSON in a text',
    JSON.stringify(inline('abc123', [])),
    `${AN_INPUT}JSON in a text: give the object itself, not its JSON.`,
    ['abc123', JSON.stringify([{ id: 1 }]), 'BadBody: expected a JSON list of customers.'],
  ],
  [
    'a name that is spelled in another way',
    { store_hash: 'abc123', source: { customers: [] } },
    'expected only storeHash, source, options, got "store_hash". Did you mean storeHash?',
    null,
  ],
  [
    'no source',
    { storeHash: 'abc123' },
    'source: expected an object with one of customers, uri, retryOf, got nothing.',
    null,
  ],
])('%s fails at once, in words, from each of them', async (name, input, message, served) => {
  const contract = await readFile(join(root, 'docs/contract.md'), 'utf8');
  const path = await file('bad.json', input);
  const [fromPython, fromCommandLine] = await Promise.all([
    python('abc123', `${name} (Python)`, '--input', path),
    follow(`customer-updates/abc123/${name} (command line)`, path),
  ]);
  expect(fromPython.code).toBe(3);
  // If the job takes a while, its progress comes first.
  expect(fromPython.output.split('\n').at(-2)).toBe(`BadInput: ${message}`);
  expect(fromCommandLine.code).toBe(3);
  expect(fromCommandLine.output).toMatch(/Error: workflow failed/);
  expect(fromCommandLine.output).toContain(`FAILED BadInput: ${message}\n`);
  for (const client of ['Python', 'command line']) await expectBadInput(`customer-updates/abc123/${name} (${client})`);
  expect(contract).toContain(message);

  if (!served) return;
  const [store, body, answer] = served;
  const { status, answer: json } = await post(`${store}/jobs/bad`, JSON.stringify(body));
  const { error } = JSON.parse(json) as { error: { type: string; message: string } };
  expect([status, `${error.type}: ${error.message}`]).toEqual([400, answer]);
  expect(contract).toContain(answer);
});

test('whatever a real job answers fits the schemas', async () => {
  await system.control('faults', { fault: 'latency', ms: 1_000 });
  const source = { customers: [...customers(300), { id: 999_999, notes: 'nobody' }, { id: 301, first_name: '' }] };
  const input = { storeHash: 'abc123', source, options: { backup: true, skipUnchanged: true } };
  expect(breaks('input', input)).toBe('');
  const job = await system.start('schemas', input);
  const fits = async () => {
    expect(breaks('progress', await job.query(progressQuery))).toBe('');
    expect(breaks('outcomes', await job.query(outcomesQuery, {}))).toBe('');
    expect(breaks('failures', await job.query(failuresQuery, {}))).toBe('');
  };
  await fits();
  await untilDone(job, 1);
  await fits();
  await job.executeUpdate(pauseUpdate, { args: [{ reason: 'to look' }] });
  await system.control('faults', { clear: true });
  await fits();
  await job.executeUpdate(resumeUpdate);
  expect(breaks('result', await job.result())).toBe('');
  await fits();
  await system.control('reset', {});
  const options = { ...input.options, dryRun: true };
  expect(breaks('result', await system.run('schemas-dry', { ...input, options }))).toBe('');
});
