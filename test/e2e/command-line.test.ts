import { writeFile } from 'node:fs/promises';
import { startProgram } from '../../dev/servers/processes.ts';
import { progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });
const starter = (...args: string[]) => runStarter(system, args);
const program = (...args: string[]) =>
  startProgram(process.execPath, ['dist/starter.js', ...args], { env: system.env });

async function file(name: string, content: string): Promise<string> {
  await writeFile(`${system.folder}/${name}`, content);
  return `${system.folder}/${name}`;
}

const ndjson = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

test('the starter runs a CSV file to its end, prints the counts, and exits with 0 because all were updated', async () => {
  const path = await file('spring.csv', 'Customer ID;Notes;Date Joined;Shoe size\n1;"hello; you";b;c\n2;two;b;c\n');
  const start = ['start', path, '--store', 'abc', '--ignore', 'Date Joined', '--ignore', 'Shoe size'];
  const { code, output } = await starter(...start);
  expect(output).toMatch(/customer-updates\/abc\/spring-[0-9a-f]{8}/);
  expect(output).toMatch(/updated +2/);
  expect(output).toMatch(/report\.csv/);
  expect(code).toBe(0);
  expect(await system.customer(1)).toMatchObject({ notes: 'hello; you' });

  const again = await starter(...start);
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
});

test('Ctrl-C detaches from a job, which is then paused, resumed, watched, cancelled and retried from the command line', async () => {
  // Slow enough for starters on a busy machine.
  await system.control('faults', { fault: 'latency', ms: 3_000 });
  const path = await file('steered.ndjson', ndjson(customers(400)));
  const id = 'customer-updates/abc/steered';
  const started = program('start', path, '--store', 'abc', '--name', 'steered');
  await started.waitFor(/customer-updates\/abc\/steered/);
  const handle = system.client.workflow.getHandle(id);
  await until(async () => ((await handle.query(progressQuery).catch(() => null))?.chunks.done ?? 0) > 0);
  started.signal('SIGINT');
  expect((await started.exited).code).toBe(130);
  expect(started.output()).toMatch(/watch/);

  expect(await starter('pause', id, '--reason', 'sale')).toMatchObject({ code: 0 });
  expect((await starter('show', id)).output).toMatch(/paused: .*sale[^]*resume customer-updates/);
  const watched = program('watch', id);
  await watched.waitFor(/paused: .*sale/);
  expect(await starter('resume', id)).toMatchObject({ code: 0 });
  await until(async () => (await handle.query(progressQuery)).state === 'running');
  expect(await starter('cancel', 'steered', '--store', 'abc')).toMatchObject({ code: 0 });
  expect((await watched.exited).code).toBe(3);
  expect(watched.output()).toMatch(/The job was cancelled[^]*npm run starter -- retry customer-updates\/abc\/steered/);

  await system.control('faults', { clear: true });
  const retried = await starter('retry', id);
  expect(retried).toMatchObject({ code: 0, output: expect.stringMatching(/abc\/steered-retry/) });
  expect(await system.stats()).toMatchObject({ customersUpdatedDistinct: 400, customersAppliedMoreThanOnce: 0 });
});
