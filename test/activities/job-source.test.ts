import { type PreparingParts, recordsOf } from '../../src/activities/job-source.ts';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { retriesOf } from '../../src/jobs/retries.ts';
import { all, newStorage } from '../jobs/support.ts';

test('what a job left to send again is read as we wrote it, however the new job is told to read files', async () => {
  const storage = await newStorage();
  const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
  await storage.write(keys.retry, ['{"id":1,"notes":"Zoë","phone":"2"}\n']);
  const ended = { type: 'updateCustomers', status: { name: 'COMPLETED' }, runId: 'run-1' };
  const client = {
    options: {},
    workflow: { getHandle: () => ({ describe: async () => ended }) },
    workflowService: { getWorkflowExecutionHistory: async () => ({}) },
  };
  const parts = { client, storage, sourceRoots: [] } as unknown as PreparingParts;
  const notes: string[] = [];
  const reading = {
    ...jobOptionsSchema.parse({ columns: { notes: 'company' }, ignoreColumns: ['Phone'], encoding: 'windows-1252' }),
    note: (text: string) => notes.push(text),
  };
  const reader = { storeHash: 'abc', id: 'customer-updates/abc/again', key: 'again' };
  const records = await recordsOf(parts, reader, { retryOf: 'customer-updates/abc/first' }, reading);
  expect((await all(records)).flat()).toMatchObject([{ row: 1, line: 1, value: { id: 1, notes: 'Zoë', phone: '2' } }]);
  expect(notes).toEqual([]);
  // Read again, as the fix file does, it is still one retry.
  await recordsOf(parts, reader, { retryOf: 'customer-updates/abc/first' }, reading);
  expect(await retriesOf(storage, keys)).toEqual([{ id: 'customer-updates/abc/again', key: 'again' }]);
});
