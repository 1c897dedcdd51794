import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { startProgram } from '../../dev/servers/processes.ts';
import { progressQuery, type JobResult } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { TOKENS, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });
let temporal: string;
beforeAll(async () => {
  temporal = await findTemporal();
});

/** The plain Temporal command line against the system's server. */
const cli = (...args: string[]) => run(temporal, args, { env: { ...process.env, ...system.temporalEnv } });

/** Our starter, without a terminal: how it ended and what it printed. */
async function starter(...args: string[]): Promise<{ code: number | null; output: string }> {
  const program = startProgram(process.execPath, ['dist/starter.js', ...args], { env: system.env });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(`${system.folder}/${name}`, content);
  return `${system.folder}/${name}`;
}

const ndjson = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

test('a job started with the plain temporal command runs to its end on a worker of npm run worker', async () => {
  await Promise.all(system.workers.map((worker) => worker.stop()));
  const worker = startProgram('npm', ['run', 'worker'], {
    env: {
      ...system.temporalEnv,
      BIGCOMMERCE_API_URL: system.apiUrl,
      BIGCOMMERCE_STORE_HASH: 'abc',
      BIGCOMMERCE_ACCESS_TOKEN: TOKENS.abc,
      JOB_STORE: `file:${system.folder}/data`,
    },
  });
  await worker.waitFor(/ready/);
  const id = 'customer-updates/abc/x';
  const input = JSON.stringify({ storeHash: 'abc', source: { customers: customers(35) } });
  const which = ['--type', 'updateCustomers', '--task-queue', 'customer-updates', '--workflow-id', id];
  await cli('workflow', 'start', ...which, '--input', input);
  const { stdout } = await cli('workflow', 'result', '--workflow-id', id, '--output', 'json');
  const { result } = JSON.parse(stdout) as { result: JobResult };
  expect(result.customers).toEqual({ total: 35, updated: 35, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 });

  for (const query of ['progress', 'outcomes', 'failures']) await cli('workflow', 'query', '--type', query, '-w', id);
  expect(await worker.stop()).toBe(0);
  await system.startWorker();
});

test('the starter runs a CSV file to its end, prints the counts, and exits with 0 because all were updated', async () => {
  const path = await file('spring.csv', 'Customer ID;Notes\n1;"hello; you"\n2;two\n');
  const { code, output } = await starter('start', path, '--store', 'abc');
  expect(output).toMatch(/customer-updates\/abc\/spring-[0-9a-f]{8}/);
  expect(output).toMatch(/updated +2/);
  expect(output).toMatch(/report\.csv/);
  expect(code).toBe(0);
  expect(await system.customer(1)).toMatchObject({ notes: 'hello; you' });

  const again = await starter('start', path, '--store', 'abc');
  expect(again.code).toBe(0);
  expect((await system.stats()).puts).toBe(1);
});

test('the starter exits with 1 if some were not updated, and names them', async () => {
  const rows = [...customers(12), { id: 999_999, notes: 'nobody' }, { id: 13, first_name: '' }];
  const { code, output } = await starter('start', await file('some.ndjson', ndjson(rows)), '--store', 'abc');
  expect(output).toMatch(/999999.*unknown_id|unknown_id.*999999/);
  expect(output).toMatch(/invalid_field/);
  expect(code).toBe(1);
});

test('the starter exits with 3 if the job fails, and says what to do', async () => {
  const path = await file('headings.csv', 'Customer ID,Notes,Date Joined,Shoe size\n1,a,b,c\n');
  const { code, output } = await starter('start', path, '--store', 'abc');
  expect(output).toMatch(/--ignore "Shoe size"/);
  expect(code).toBe(3);
  const ignored = await starter('start', path, '--store', 'abc', '--ignore', 'Date Joined', '--ignore', 'Shoe size');
  expect(ignored.code).toBe(0);
});

test('Ctrl-C detaches: the job continues, and another starter watches it to its end', async () => {
  // Slow enough to be seen running on a busy machine.
  await system.control('faults', { fault: 'latency', ms: 300 });
  const path = await file('long.ndjson', ndjson(customers(600)));
  const program = startProgram(
    process.execPath,
    ['dist/starter.js', 'start', path, '--store', 'abc', '--name', 'long'],
    {
      env: system.env,
    },
  );
  const id = 'customer-updates/abc/long';
  const handle = system.client.workflow.getHandle(id);
  await program.waitFor(/customer-updates\/abc\/long/);
  await until(async () => (await handle.query(progressQuery).catch(() => null))?.state === 'running');
  program.signal('SIGINT');
  expect((await program.exited).code).toBe(130);
  expect(program.output()).toMatch(/watch/);

  const watched = await starter('watch', id);
  expect(watched.output).toMatch(/updated +600/);
  expect(watched.code).toBe(0);
  const shown = await starter('show', 'long', '--store', 'abc');
  expect(shown.output).toMatch(/has ended/);
  expect(shown.code).toBe(0);
});

test("a job that doesn't exist exits with 2", async () => {
  const { code, output } = await starter('watch', 'customer-updates/abc/never');
  expect(output).toMatch(/no job/i);
  expect(code).toBe(2);
});

test('a job is paused, resumed, cancelled and retried from the command line', async () => {
  // Slow enough for starters on a busy machine.
  await system.control('faults', { fault: 'latency', ms: 1_500 });
  const path = await file('steered.ndjson', ndjson(customers(700)));
  const id = 'customer-updates/abc/steered';
  const started = starter('start', path, '--store', 'abc', '--name', 'steered');
  const handle = system.client.workflow.getHandle(id);
  await until(async () => ((await handle.query(progressQuery).catch(() => null))?.chunks.done ?? 0) > 3);

  expect(await starter('pause', id, '--reason', 'sale')).toMatchObject({ code: 0 });
  expect((await starter('show', id)).output).toMatch(/paused: .*sale[^]*resume customer-updates/);
  expect(await starter('resume', id)).toMatchObject({ code: 0 });
  await until(async () => (await handle.query(progressQuery)).state === 'running');
  expect(await starter('cancel', 'steered', '--store', 'abc')).toMatchObject({ code: 0 });

  expect(await started).toMatchObject({
    code: 3,
    output: expect.stringMatching(/The job was cancelled[^]*npm run starter -- retry customer-updates\/abc\/steered/),
  });
  expect(await starter('pause', id)).toMatchObject({ code: 2, output: expect.stringMatching(/has already ended/) });

  expect((await starter('failures', id)).output).toMatch(
    /rows are unprocessed. To send them: .* retry customer-updates/,
  );

  await system.control('faults', { clear: true });
  const retried = await starter('retry', id);
  expect(retried).toMatchObject({ code: 0, output: expect.stringMatching(/abc\/steered-retry/) });
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 700, customersAppliedMoreThanOnce: 0 });
  const nothing = await starter('retry', 'customer-updates/abc/steered-retry');
  expect(nothing).toMatchObject({ code: 3, output: expect.stringMatching(/NothingToRetry/) });
});

test('a job that holds and is resumed asks the store again at once', async () => {
  await system.control('tokens', { store: 'abc', token: 'reissued' });
  const handle = await system.start('held', { storeHash: 'abc', source: { customers: customers(10) } });
  await until(async () => (await handle.query(progressQuery)).state === 'held');
  await system.control('tokens', { store: 'abc', token: TOKENS.abc });
  const { output } = await starter('resume', 'held', '--store', 'abc');
  expect(output).toBe('The job continues: it is asking the store again now\n');
  expect((await handle.result()).customers).toMatchObject({ total: 10, updated: 10 });
});

test('failures prints every row that was not updated', async () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => ({ id: 5_000_000 + index, notes: 'nobody' }));
  const path = await file('nobody.ndjson', ndjson(rows));
  const options = ['--store', 'abc', '--name', 'nobody', '--max-rejected-percent', '100'];
  expect((await starter('start', path, ...options)).output).toMatch(/1,200 rows were not updated/);
  const { code, output } = await starter('failures', 'nobody', '--store', 'abc');
  expect(output.match(/^ +row .* unknown_id /gm)).toHaveLength(1_200);
  expect(code).toBe(0);
});

test('a cancel without a worker says when it takes effect', async () => {
  await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
  await system.start('nobody works', { storeHash: 'abc', source: { customers: customers(1) } });
  const { code, output } = await starter('cancel', 'nobody works', '--store', 'abc');
  expect(output).toMatch(/The job will end as soon as a worker picks it up\. .*worker/);
  expect(code).toBe(0);
  await system.startWorker();
});
