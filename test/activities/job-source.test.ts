import { type PreparingParts, recordsOf } from '../../src/activities/job-source.ts';
import type { Match, Source } from '../../src/contract/job.ts';
import { BadInput, jobOptionsSchema } from '../../src/contract/schema.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { BadSource } from '../../src/jobs/sources/record.ts';
import { retriesOf } from '../../src/jobs/retries.ts';
import { all, newStorage } from '../jobs/support.ts';

const reader = { storeHash: 'abc', id: 'customer-updates/abc/again', key: 'again' };
const ended = { type: 'updateCustomers', status: { name: 'COMPLETED' }, runId: 'run-1' };
const client = {
  options: {},
  workflow: { getHandle: () => ({ describe: async () => ended }) },
  workflowService: { getWorkflowExecutionHistory: async () => ({}) },
};
const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });

test('what a job left to send again is read as we wrote it, however the new job is told to read files', async () => {
  const storage = await newStorage();
  await storage.write(keys.retry, ['{"id":1,"notes":"Zoë","phone":"2"}\n']);
  const parts = { client, storage, sourceRoots: [] } as unknown as PreparingParts;
  const notes: string[] = [];
  const reading = {
    ...jobOptionsSchema.parse({ columns: { notes: 'company' }, ignoreColumns: ['Phone'], encoding: 'windows-1252' }),
    note: (text: string) => notes.push(text),
  };
  const records = await recordsOf(parts, reader, { retryOf: 'customer-updates/abc/first' }, reading);
  expect((await all(records)).flat()).toMatchObject([{ row: 1, line: 1, value: { id: 1, notes: 'Zoë', phone: '2' } }]);
  expect(notes).toEqual([]);
  // Read again, as the fix file does, it is still one retry.
  await recordsOf(parts, reader, { retryOf: 'customer-updates/abc/first' }, reading);
  expect(await retriesOf(storage, keys)).toEqual([{ id: 'customer-updates/abc/again', key: 'again' }]);
});

describe('how rows name customers', () => {
  const read = async (source: Source, match: Match, rows: string) => {
    const storage = await newStorage();
    const parts = { client, storage, sourceRoots: [storage] } as unknown as PreparingParts;
    await storage.write(keys.retry, [rows]);
    await storage.write(keys.done, ['{"by":"run-1","match":"email"}']);
    await storage.write('sources/backups/abc/run-1.ndjson', [rows]);
    const given = 'uri' in source ? { uri: storage.uri(source.uri) } : source;
    const records = await recordsOf(parts, reader, given, jobOptionsSchema.parse({ match }));
    return (await all(records)).flat().map(({ value }) => value);
  };
  const retry = { retryOf: 'customer-updates/abc/first' };
  const rows = '{"email":"a@x","new_email":"b@x"}\n{"id":7,"new_email":"c@x"}\n';

  test('is the same in a job and in its retry', async () => {
    expect(await read(retry, 'email', rows)).toEqual([
      { email: 'a@x', new_email: 'b@x' },
      { id: 7, new_email: 'c@x' },
    ]);
    await expect(read(retry, 'id', rows)).rejects.toThrow(
      new BadInput(
        'options.match: expected "email", as in customer-updates/abc/first, whose customers are sent again, got "id".',
      ),
    );
  });

  test('is by id in a backup, whose addresses are to be put back', async () => {
    const backup = { uri: 'sources/backups/abc/run-1.ndjson' };
    expect(await read(backup, 'id', '{"id":7,"email":"a@x"}\n')).toEqual([{ id: 7, email: 'a@x' }]);
    await expect(read(backup, 'email', '{"id":7,"email":"a@x"}\n')).rejects.toThrow(BadSource);
  });
});
