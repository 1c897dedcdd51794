import { defaultPayloadConverter } from '@temporalio/common';
import { progressQuery, storeWorkflowId } from '../../src/contract/job.ts';
import { startCustomerUpdate } from '../../src/client.ts';
import { customers } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '20'] });

/** What the Web UI shows beside the history: current details, and the messages a workflow takes. */
interface Metadata {
  currentDetails: string;
  definition: { type: string; queryDefinitions: { name: string; description: string }[] };
}

const metadata = (workflowId: string) =>
  system.client.workflow.getHandle(workflowId).query<Metadata>('__temporal_workflow_metadata');

test('the current details tell state and counts while a job runs, and where the report is when it has ended', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(400) } };
  const job = await startCustomerUpdate(system.client, input, 'details', { startedBy: 'the tests' });
  await until(async () => (await metadata(job.id)).currentDetails.includes('running'));
  expect((await metadata(job.id)).currentDetails).toMatch(/\| 400\s+\|/);
  expect((await metadata(storeWorkflowId('abc'))).currentDetails).toMatch(/store abc/);

  const { report } = await job.result();
  const { currentDetails, definition } = await metadata(job.id);
  expect(currentDetails).toMatch(/completed.*40 of 40 chunks/);
  expect(currentDetails).toContain(report);
  expect(definition.queryDefinitions.filter(({ name }) => name === 'progress')[0]?.description).toMatch(/Counts/);
});

test('each activity has a summary, and the start says from what and for which store', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(25) } };
  const job = await startCustomerUpdate(system.client, input, 'summaries', { startedBy: 'the tests' });
  await job.result();
  const handle = system.client.workflow.getHandle(job.id);
  const { events } = await handle.fetchHistory();
  const summaries = (events ?? [])
    .filter((event) => event.activityTaskScheduledEventAttributes)
    .map(({ userMetadata }) => userMetadata?.summary && defaultPayloadConverter.fromPayload(userMetadata.summary));
  expect(summaries).toEqual([
    'read and check the source',
    'the job needs the store',
    'chunk 0 · rows 1–10',
    'chunk 1 · rows 11–20',
    'chunk 2 · rows 21–25',
    'write the report',
  ]);
  const description = await handle.describe();
  expect(await description.staticSummary()).toBe('store abc · summaries');
  expect(description.memo).toMatchObject({ source: '25 customers given inline', startedBy: 'the tests' });
});

test('starting a job twice is one job', async () => {
  const input = { storeHash: 'abc', source: { customers: customers(25) } };
  const [one, two] = await Promise.all([
    startCustomerUpdate(system.client, input, 'twice'),
    startCustomerUpdate(system.client, input, 'twice'),
  ]);
  expect(await one.result()).toEqual(await two.result());
  const again = await startCustomerUpdate(system.client, input, 'twice');
  expect(await again.result()).toEqual(await one.result());
  expect((await system.client.workflow.getHandle(one.id).query(progressQuery)).calls).toBe(3);
});
