/** What else people do at the command line: with Temporal's own, without a worker, and with a job that has ended. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { startProgram } from '../../dev/servers/processes.ts';
import { progressQuery, type JobResult } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { runStarter } from '../support/starter.ts';
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

const starter = (...args: string[]) => runStarter(system, args);

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

test('a cancelled job can be retried but not paused, and there is nothing to retry after that', async () => {
  const id = 'customer-updates/abc/cancelled';
  await system.control('faults', { fault: 'latency', ms: 3_000 });
  const handle = await system.start('cancelled', { storeHash: 'abc', source: { customers: customers(60) } });
  await until(async () => (await handle.query(progressQuery)).state === 'running');
  await handle.cancel();
  await handle.result().catch(() => undefined);
  await system.control('faults', { clear: true });
  expect(await starter('pause', id)).toMatchObject({ code: 2, output: expect.stringMatching(/has already ended/) });
  expect((await starter('failures', id)).output).toMatch(
    /rows are unprocessed. To send them: .* retry customer-updates/,
  );
  expect(await starter('retry', id)).toMatchObject({ code: 0, output: expect.stringMatching(/abc\/cancelled-retry/) });
  const nothing = await starter('retry', 'customer-updates/abc/cancelled-retry');
  expect(nothing).toMatchObject({ code: 3, output: expect.stringMatching(/NothingToRetry/) });
});

test('a job that ended is shown with how, and one that does not exist is reported', async () => {
  await system.run('over', { storeHash: 'abc', source: { customers: customers(10) } });
  const shown = { code: 0, output: expect.stringMatching(/has ended/) };
  expect(await starter('show', 'over', '--store', 'abc')).toMatchObject(shown);
  const watched = { code: 0, output: expect.stringMatching(/updated +10/) };
  expect(await starter('watch', 'customer-updates/abc/over')).toMatchObject(watched);
  const missing = { code: 2, output: expect.stringMatching(/no job/i) };
  expect(await starter('watch', 'customer-updates/abc/never')).toMatchObject(missing);
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
  const path = `${system.folder}/nobody.ndjson`;
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
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
