import { startProgram } from '../../dev/servers/processes.ts';
import { jobId } from '../../src/contract/job.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });

/** `npm run starter -- setup`: how it ended and what it printed. */
async function setup(): Promise<{ code: number | null; output: string }> {
  const program = startProgram(process.execPath, ['dist/starter.js', 'setup'], { env: system.env });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

/** Events of a job's history that set search attributes. */
async function upserts(name: string): Promise<number> {
  const { events } = await system.client.workflow.getHandle(jobId('abc', name)).fetchHistory();
  return (events ?? []).filter((event) => event.upsertWorkflowSearchAttributesEventAttributes).length;
}

const input = { storeHash: 'abc', source: { customers: [...customers(499), { id: 999_999, notes: 'nobody' }] } };

test('jobs run without search attributes, and with them once setup has registered those', async () => {
  expect((await system.run('without', input)).customers.updated).toBe(499);
  expect(await upserts('without')).toBe(0);

  const first = await setup();
  expect(first.code).toBe(0);
  for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(first.output).toContain(`${name}  registered`);
  expect((await setup()).output).toContain('CustomerUpdatesState  already registered');

  await system.run('with', input);
  const query = `CustomerUpdatesState = 'completed' AND CustomerUpdatesStore = 'abc' AND CustomerUpdatesRejected = 1 AND CustomerUpdatesProgress = 100`;
  await until(async () => (await system.client.workflow.count(query)).count === 1);
});

test('they cost a history no more than an event each tenth of the job and each change of its state', async () => {
  await setup();
  const job = await system.start('counted', input);
  await job.result();
  // Tenths from 0 to 9, closing, completed.
  expect(await upserts('counted')).toBeLessThanOrEqual(12);
  expect(await upserts('counted')).toBeGreaterThanOrEqual(3);
});
