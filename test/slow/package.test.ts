/** The package as other teams get it: packed, then installed and used in an empty project. */
import { cp, mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import type { Failure, JobResult, Progress } from '../../src/client.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'bigcommerce-customer-updates';

const system = useSystem({ emulator: ['--customers', '3000', '--latency', '20'] });
let project: string;
let installed: string;

/** Runs a program to its end in the project; returns what it printed. Throws with its output if it fails. */
async function run(file: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const program = startProgram(file, args, { cwd: project, env: { ...system.env, ...env } });
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}:\n${program.output()}`);
  return program.stdout();
}

/** Compiles a folder of the project with our compiler; returns its errors about that folder and our types. */
async function complaints(folder: string): Promise<string[]> {
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder];
  const program = startProgram(process.execPath, args, { cwd: project });
  await program.exited;
  const lines = program.output().split('\n');
  // Temporal's own types are not as strict.
  return lines.filter((line) => /error TS/.test(line) && !line.startsWith('node_modules/@temporalio/'));
}

async function install(): Promise<void> {
  const pack = ['pack', root, '--pack-destination', project, '--ignore-scripts', '--json'];
  const [{ filename }] = JSON.parse(await run('npm', pack)) as [{ filename: string }];
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...flags, `./${filename}`, '@types/node@20']);
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'consumer-'));
  installed = join(project, 'node_modules', NAME);
  await install();
});
afterAll(() => rm(project, { recursive: true }));

async function packed(): Promise<string[]> {
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.map((path) => path.slice(installed.length + 1)).toSorted();
}

test('the package contains what was built, and nothing else', async () => {
  const files = await packed();
  const outside = files.filter((path) => !/^(dist\/[\w/-]+(\.d\.ts|\.js)|schemas\/\w+\.schema\.json)$/.test(path));
  expect(outside).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  expect(files).toEqual(expect.arrayContaining(['dist/client.js', 'dist/client.d.ts', 'dist/client/start.js']));
});

test('everything its modules and types import is in the package or a dependency', async () => {
  const files = await packed();
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const missing: string[] = [];
  for (const path of files.filter((path) => /^dist\/(?!workflow-bundle)/.test(path))) {
    const text = await readFile(join(installed, path), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:\bfrom |^import |\bimport\()['"]([\w@./:-]+)['"]/gm)) {
      if (name.startsWith('node:')) continue;
      // Types name the sources; the package has their declarations.
      const target = normalize(join(dirname(path), name)).replace(/(?<!\.d)\.ts$/, '.d.ts');
      const there = name.startsWith('.') ? files.includes(target) : packageOf(name) in dependencies;
      if (!there) missing.push(`${path} imports ${name}`);
    }
  }
  expect(missing).toEqual([]);
});

const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

const SCRIPT = `
import { Client, Connection } from '@temporalio/client';
import { startCustomerUpdate } from '${NAME}/client';

async function* customers() {
  for (let id = 1; id <= 2500; id++) yield { id, notes: 'note ' + id };
}

const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const client = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE'] ?? '' });
const input = { storeHash: 'abc', source: { customers: customers() } };
const options = { jobStore: process.env['JOB_STORE'] };
const job = await startCustomerUpdate(client, input, 'packed', options);
console.log(JSON.stringify(await job.result()));
await connection.close();
`;

const UPDATED = { total: 2_500, updated: 2_500, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 };

test('a script in JavaScript starts 2,500 customers from a generator and follows them to the end', async () => {
  await writeFile(join(project, 'script.js'), SCRIPT);
  const result = JSON.parse(await run(process.execPath, ['script.js'])) as JobResult;
  expect(result).toMatchObject({ customers: UPDATED, retry: null, report: expect.stringMatching(/report\.csv$/) });
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 2_500 });
});

const STRICT = {
  ...{ target: 'es2023', lib: ['es2023'], module: 'nodenext', types: ['node'], strict: true, noEmit: false },
  ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true },
};

test('the same in TypeScript satisfies a strict compiler, and attaches to the job that the first one started', async () => {
  await mkdir(join(project, 'strict'));
  await writeFile(join(project, 'strict/script.ts'), SCRIPT);
  await writeFile(join(project, 'strict/tsconfig.json'), JSON.stringify({ compilerOptions: STRICT }));
  expect(await complaints('strict')).toEqual([]);
  const result = JSON.parse(await run(process.execPath, ['strict/script.js'])) as JobResult;
  expect(result.customers).toEqual(UPDATED);

  const wrong = SCRIPT.replace("storeHash: 'abc'", 'storeHash: 7').replace('job.result()', 'job.results()');
  await writeFile(join(project, 'strict/script.ts'), wrong);
  expect((await complaints('strict')).join('\n')).toMatch(/script.ts.*TS(2345|2322)[^]*script.ts.*TS2551/);
});

const KNOWN = `
import { Client, Connection } from '@temporalio/client';
import * as all from '${NAME}/client';
const { customerUpdate, jobId, scheduleCustomerUpdate, startCustomerUpdate } = all;
const { JobEnded, NoAnswer, NoSuchJob, ServerFailed, StreamFailed, TooLate } = all;
type CustomerUpdate = all.CustomerUpdate;
declare const client: Client;
declare const job: CustomerUpdate;
`;

test('every example in the documentation of the client, and in the README, compiles', async () => {
  const docs = (await packed()).filter((path) => /^dist\/client(\/[\w-]+)?\.d\.ts$|^README/.test(path));
  await mkdir(join(project, 'examples'));
  let count = 0;
  for (const path of docs) {
    const text = await readFile(join(installed, path), 'utf8');
    for (const [, example = ''] of text.matchAll(/```ts\n([^]*?)```/g)) {
      const code = example.replace(/^ *\* ?/gm, '');
      const body = code.startsWith('import ') ? code : `${KNOWN}export async function example() {\n${code}}\n`;
      await writeFile(join(project, `examples/${++count}.ts`), `// ${path}\n${body}`);
    }
  }
  expect(count).toBe(8);
  await writeFile(join(project, 'examples/tsconfig.json'), JSON.stringify({ compilerOptions: STRICT }));
  expect(await complaints('examples')).toEqual([]);
});

describe('the service in examples/service', () => {
  let service: Program;
  let url: string;

  beforeAll(async () => {
    await cp(join(root, 'examples/service'), join(project, 'service'), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist)$/.test(path),
    });
    const wrong = await complaints('service');
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    const env = { ...system.env, PORT: '0' };
    service = startProgram(process.execPath, ['service/dist/server.js'], { cwd: project, env });
    url = /http:\S+/.exec(await service.waitFor(/ready/))?.[0] ?? '';
  });
  afterAll(() => service?.kill());

  test('says which Temporal server it tried and what went wrong, and exits with 2', async () => {
    const env = { ...system.env, PORT: '0', TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const lost = startProgram(process.execPath, ['service/dist/server.js'], { cwd: project, env });
    const { code } = await lost.exited;
    expect(lost.output()).toMatch(/^Temporal at 127.0.0.1:1, namespace \S+, without TLS .*connect ECONNREFUSED/);
    expect(lost.output()).toContain(`namespace ${system.namespace},`);
    expect(lost.output()).not.toMatch(/^ +at /m);
    expect(code).toBe(2);
  });

  const ndjson = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

  /** What the service answers: a job's id, its progress, or an error. */
  type Said = Progress & { id: string; error: { type: string; message: string } };

  async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: Said }> {
    const response = await fetch(`${url}/stores/${path}`, init);
    return { status: response.status, body: (await response.json()) as Said };
  }
  const post = (path: string, body = '', type = 'application/x-ndjson') =>
    ask(path, { method: 'POST', body, headers: { 'content-type': type } });
  const state = async (path: string) => (await ask(path)).body.state;

  test('starts a job from a request body, and reports its progress until it ends', async () => {
    await system.control('faults', { fault: 'latency', ms: 200 });
    const rows = [...customers(1_500), { id: 999_999, notes: 'nobody' }, { id: 1_501, first_name: '' }];
    const started = await post('abc/jobs/served%20here', ndjson(rows));
    expect(started).toEqual({ status: 202, body: { id: 'customer-updates/abc/served here' } });
    await until(async () => (await state('abc/jobs/served%20here')) === 'running');
    expect(await post('abc/jobs/served%20here/pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect(await post('abc/jobs/served%20here', ndjson(rows))).toEqual(started);
    expect(await post('abc/jobs/served%20here/resume')).toMatchObject({ status: 200, body: { state: 'running' } });
    await system.control('reset', {});
    await until(async () => (await state('abc/jobs/served%20here')) === 'completed');
    const { body } = await ask('abc/jobs/served%20here');
    expect(body.customers).toMatchObject({ total: 1_502, updated: 1_500, rejected: 1, invalid: 1 });

    const failures = await fetch(`${url}/stores/abc/jobs/served%20here/failures`);
    const lines = (await failures.text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Failure).id)).toEqual([999_999, 1_501]);
    expect(await post('abc/jobs/served%20here/pause')).toMatchObject({
      status: 409,
      body: { error: { type: 'TooLate' } },
    });
  });

  test('a job is cancelled', async () => {
    await system.control('faults', { fault: 'latency', ms: 500 });
    await post('def/jobs/cancelled', ndjson(customers(2_000)));
    await until(async () => (await state('def/jobs/cancelled')) === 'running');
    expect((await post('def/jobs/cancelled/cancel')).status).toBe(202);
    await until(async () => (await state('def/jobs/cancelled')) === 'cancelled');
  });

  const list = (count: number) => JSON.stringify(customers(count));

  test.each<[string, string, string, string | undefined, number, string, RegExp]>([
    ['a wrong store hash', 'ABC/jobs/x', ndjson(customers(3)), undefined, 400, 'BadInput', /storeHash: expected/],
    ['1,001 inline', 'abc/jobs/x', list(1_001), 'application/json', 400, 'BadInput', /at most 1000.*iterable/],
    ['a body that is not a list', 'abc/jobs/x', '{"id": 1}', 'application/json', 400, 'BadBody', /JSON list/],
    [
      'a line that is not JSON',
      'abc/jobs/x',
      '{"id": 1}\n{"id": Zoë}\n',
      undefined,
      400,
      'BadBody',
      /^line 2: expected/,
    ],
    ['another kind of body', 'abc/jobs/x', 'id\n1\n', 'text/csv', 400, 'BadBody', /content-type/],
    ['a pause of no job', 'abc/jobs/never/pause', '', undefined, 404, 'NoSuchJob', /There is no job/],
    ['another path', 'abc/customers', '', undefined, 404, 'NoSuchPath', /README/],
  ])('%s is answered in plain words', async (_, path, body, type, status, error, message) => {
    const answer = await post(path, body, type);
    expect(answer).toMatchObject({ status, body: { error: { type: error, message: expect.stringMatching(message) } } });
    expect(JSON.stringify(answer)).not.toContain('Zoë');
  });

  test('an upload that breaks off starts nothing', async () => {
    const stop = new AbortController();
    async function* endless() {
      yield Buffer.from(ndjson(customers(100)));
      setTimeout(() => stop.abort(), 100);
      await new Promise(() => {});
    }
    const headers = { 'content-type': 'application/x-ndjson' };
    const init = { method: 'POST', headers, body: endless(), duplex: 'half', signal: stop.signal };
    await expect(fetch(`${url}/stores/abc/jobs/broken`, init as unknown as RequestInit)).rejects.toThrow();
    expect(await ask('abc/jobs/broken')).toMatchObject({ status: 404 });
  });

  test('it stops on SIGTERM', async () => {
    expect(await service.stop(20_000)).toBe(0);
  });
});
