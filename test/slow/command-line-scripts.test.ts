/** The command line's output for scripts, and the files of jobs. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { startProgram } from '../../dev/servers/processes.ts';
import { pauseUpdate, progressQuery, type Failure, type Progress } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { runStarter, type Started } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({
  emulator: ['--customers', '1000', '--latency', '10', '--quota', '150', '--window', '30000'],
  // A run is some 60 chunks long.
  server: { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 250 } },
});
beforeAll(async () => {
  await mkdir(`${system.folder}/here`);
});

const starter = (...args: string[]) => runStarter(system, args, `${system.folder}/here`);

async function file(name: string, rows: unknown[]): Promise<string> {
  const path = `${system.folder}/${name}`;
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

/** One line of a command's output for programs. */
interface Line {
  id: string;
  status: string;
  progress: Progress | null;
  error: { type: string; message: string } | null;
  [field: string]: unknown;
}
const lines = <T = Line>(stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** Names of the files in the job store. */
async function filesLeft(): Promise<string[]> {
  const entries = await readdir(`${system.folder}/data`, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const few = [...customers(12), { id: 999_999, notes: '=1+1' }, { id: 13, first_name: '' }];

test('start, watch and show give scripts the same answer, on standard output only', async () => {
  const path = await file('few.ndjson', few);
  const start = ['start', path, '--store', 'abc', '--name', 'few', '--json'];
  const started = await starter(...start);
  const id = 'customer-updates/abc/few';
  const [first, ...rest] = lines(started.stdout);
  const last = rest.at(-1);
  expect(first).toMatchObject({ id, status: 'RUNNING', progress: null, error: null });
  expect(last).toMatchObject({ id, status: 'COMPLETED', error: null, progress: { state: 'completed' } });
  expect(last?.progress?.customers).toMatchObject({ total: 14, updated: 12, rejected: 1, invalid: 1 });
  expect(started.code).toBe(1);

  const noFile = ['start', 'file:///nowhere/a.csv', '--store', 'abc', '--name', 'no-file', '--json'];
  const [shown, again, failed] = await Promise.all([
    starter('show', id, '--json'),
    starter(...start),
    starter(...noFile),
  ]);
  expect(lines(shown.stdout)).toEqual([last]);
  expect(shown.code).toBe(1);
  expect(lines(again.stdout)).toEqual([{ ...last, progress: null }, last]);
  expect(again.output).toMatch(/has already ended/);

  expect(lines(failed.stdout).at(-1)).toMatchObject({ status: 'FAILED', error: { type: 'BadSource' } });
  expect(failed.code).toBe(3);
});

test('failures come as JSON or as lines of the report, and the report itself as a file or on standard output', async () => {
  const id = 'customer-updates/abc/few';
  const commands = [
    ['failures', id, '--json'],
    ['failures', id, '--csv'],
    ['report', id, '-'],
    ['report', 'few', '--store', 'abc'],
  ];
  const [json, csv, report, fetched] = (await Promise.all(commands.map((args) => starter(...args)))) as [
    Started,
    Started,
    Started,
    Started,
  ];
  expect(lines<Failure>(json.stdout)).toMatchObject([
    { row: 13, id: 999_999, outcome: 'rejected', code: 'unknown_id' },
    { row: 14, id: 13, outcome: 'invalid', code: 'invalid_field' },
  ]);
  expect(report.stdout).toMatch(/^row,line,id,outcome,code,message\n13,\d*,999999,rejected,unknown_id,/);
  expect(csv.stdout).toBe(report.stdout);

  expect(fetched).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Report: /),
  });
  const path = `${system.folder}/here/few-report.csv`;
  expect(await readFile(path, 'utf8')).toBe(report.stdout);
  await writeFile(path, 'mine');
  const refused = await starter('report', id);
  expect(refused).toMatchObject({ code: 2, output: expect.stringMatching(/already exists.*--force/) });
  expect(await readFile(path, 'utf8')).toBe('mine');
  expect(await starter('report', id, 'few-report.csv', '--force')).toMatchObject({ code: 0 });
  expect(await readFile(path, 'utf8')).toBe(report.stdout);
});

test('a dry run reports what sending would take', async () => {
  const { output, code } = await starter(
    'start',
    await file('dry.ndjson', customers(200)),
    '--store',
    'abc',
    '--dry-run',
  );
  expect(output).toContain(
    "It would send 200 customers in 20 calls; about 4 s at the store's quota of 150 calls per 30 s.",
  );
  expect(code).toBe(0);
});

test('list has a line for each job of any store, whether or not a worker answers', async () => {
  await system.control('faults', { fault: 'latency', ms: 150 });
  const uri = await writeSource(system, 'long.ndjson', customers(1_000));
  const input = { storeHash: 'abc', source: { uri } };
  const long = await system.start('long', input);
  await system.run('other', { storeHash: 'def', source: { customers: customers(3) } });
  await system.client.workflow.start('updateCustomers', {
    workflowId: "it's mine",
    taskQueue: 'customer-updates',
    args: [{ storeHash: 'def', source: { customers: customers(3) } }],
  });
  const first = system.client.workflow.getHandle(long.workflowId, long.firstExecutionRunId);
  await until(async () => (await first.describe()).status.name === 'CONTINUED_AS_NEW');
  await system.control('faults', { fault: 'latency', ms: 1_000 });
  await untilDone(long, 70);
  await long.executeUpdate(pauseUpdate, { args: [{}] });

  const { stdout } = await starter('list', '--json');
  const jobs = lines(stdout);
  expect(jobs.map(({ id }) => id)).toEqual([
    "it's mine",
    ...['def/other', 'abc/long', 'abc/dry-', 'abc/no-file', 'abc/few'].map((name) =>
      expect.stringContaining(`customer-updates/${name}`),
    ),
  ]);
  const listed = jobs.find(({ name }) => name === 'long');
  expect(listed).toMatchObject({ store: 'abc', status: 'RUNNING', endedAt: null, progress: { state: 'paused' } });
  expect(listed?.['startedAt']).toBe((await first.describe()).startTime.toISOString());
  expect(listed?.progress?.chunks.done).toBeGreaterThanOrEqual(70);
  expect(jobs.at(-1)).toMatchObject({
    startedBy: expect.stringContaining('@'),
    progress: { customers: { rejected: 1 } },
  });

  await Promise.all((await system.workersUp()).map((worker) => worker.stop()));
  const waits = await system.start('waits', { storeHash: 'abc', source: { customers: customers(3) } });
  const table = (await starter('list', '--store', 'abc', '--limit', '3')).stdout;
  expect(table.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^STORE +JOB +STATE +DONE +NOT UPDATED +STARTED +TIME +BY$/),
    expect.stringMatching(/^abc +waits +running +- +- +\d{4}-\d\d-\d\d \d\d:\d\d +for /),
    expect.stringMatching(/^abc +long +running +-? +/),
    expect.stringMatching(/^abc +dry-\w+ +completed +0% +0 .* took /),
    '',
    // The server remembers for a minute that there was one.
    expect.stringMatching(/^"-" stands for what is not known. (No worker polls|Some workers do not answer)/),
  ]);
  expect(table).not.toContain('\u001b');
  await Promise.all([waits.terminate(), long.terminate(), system.startWorker()]);
});

test('purge deletes what a job and those before it under its id have left, and then everyone says so', async () => {
  const id = 'customer-updates/abc/purged';
  const rows = [...customers(50), ...Array.from({ length: 1_100 }, (_, index) => ({ id: -index, notes: 'nobody' }))];
  const start = ['start', await file('purged.ndjson', rows), '--store', 'abc', '--name', 'purged'];
  await starter(...start, '--dry-run');
  await system.control('faults', { fault: 'latency', ms: 3_000 });
  const real = startProgram(process.execPath, ['dist/starter.js', ...start], { env: system.env });
  const handle = system.client.workflow.getHandle(id);
  await until(async () => (await handle.query(progressQuery).catch(() => null))?.state === 'running');
  await handle.executeUpdate(pauseUpdate, { args: [{}] });
  const early = await Promise.all([starter('purge', id, '--yes'), starter('report', id)]);
  expect(early).toMatchObject([
    { code: 2, output: expect.stringMatching(/has not ended.*starter -- cancel/) },
    { code: 2, output: expect.stringMatching(/has not ended/) },
  ]);
  await handle.cancel();
  await real.exited;

  const before = await filesLeft();
  expect(await starter('purge', id)).toMatchObject({
    code: 2,
    output: expect.stringMatching(/Nothing was deleted.*--yes/),
  });
  expect(await filesLeft()).toEqual(before);
  // Report, fix file, retry, done, a file of failures, and which set of pages was taken, of the dry run as well.
  const { code, output } = await starter('purge', id, '--yes');
  expect(output).toMatch(/^12 files deleted from file:/);
  expect(code).toBe(0);
  expect(await filesLeft()).toHaveLength(before.length - 12);

  const commands = ['show', 'report', 'failures', 'retry'].map((command) => starter(command, id));
  for (const { code, output } of await Promise.all(commands)) {
    expect(output).toMatch(/files,?( which)? were purged,? or are not in (JOB_STORE \()?file:/);
    expect(code).toBeGreaterThan(1);
  }
  expect((await starter('purge', id, '--yes')).output).toMatch(/nothing to delete: its files were purged/);
  const retry = system.run('retried', { storeHash: 'abc', source: { retryOf: id } });
  await expect(retry).rejects.toMatchObject({ cause: { message: expect.stringMatching(/its files were purged/) } });
});
