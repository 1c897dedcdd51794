import { MockActivityEnvironment } from '@temporalio/testing';
import { prepareJob } from '../../src/activities/prepare-job.ts';
import { FORMAT } from '../../src/contract/activities.ts';
import { BadInput } from '../../src/contract/schema.ts';
import { jobKeys, sourceCopyKey } from '../../src/jobs/keys.ts';
import { MAX_CHUNKS, prepare } from '../../src/jobs/prepare.ts';
import type { SourceRecord } from '../../src/jobs/sources/record.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newStorage } from '../jobs/support.ts';
import type { PreparingParts } from '../../src/activities/job-source.ts';

// One customer a chunk, so a job is full ten times sooner.
jest.mock('../../src/contract/job.ts', () => ({
  ...jest.requireActual<object>('../../src/contract/job.ts'),
  CHUNK_SIZE: 1,
}));

function preparing(customers: number): { chunks: Promise<number>; pages: Set<string> } {
  const pages = new Set<string>();
  const storage = {
    write: async (key: string) => void pages.add(key),
    delete: async (key: string) => void pages.delete(key),
    deleteBelow: async () => pages.clear(),
    exists: async (key: string) => pages.has(key),
  } as unknown as Storage;
  async function* records(): AsyncGenerator<SourceRecord[]> {
    for (let from = 1; from <= customers; from += 1_000) {
      const length = Math.min(1_000, customers - from + 1);
      yield Array.from({ length }, (_, index) => ({
        row: from + index,
        line: null,
        value: { id: from + index, notes: '' },
      }));
    }
  }
  const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
  const prepared = prepare({ storage, keys, records: records(), limit: null });
  return { chunks: prepared.then(({ chunks }) => chunks), pages };
}

test('accepts as many chunks as fit into the state of a job', async () => {
  const { chunks, pages } = preparing(MAX_CHUNKS);
  expect(await chunks).toBe(MAX_CHUNKS);
  expect(pages.size).toBe(1_000);
});

test('rejects one more, says what to do, and leaves no page', async () => {
  const { chunks, pages } = preparing(MAX_CHUNKS + 1);
  await expect(chunks).rejects.toThrow(BadInput);
  await expect(chunks).rejects.toThrow('customers in one job, got more. Split the source into several jobs.');
  expect(pages.size).toBe(0);
});

test('a job with more also loses the copy of its source', async () => {
  const storage = await newStorage();
  const copy = sourceCopyKey('abc', 'large', 'large.ndjson');
  const lines = Array.from({ length: MAX_CHUNKS + 1 }, (_, index) => `{"id":${index + 1},"notes":""}\n`);
  await storage.write(copy, [lines.join('')]);
  const parts = { storage, sourceRoots: [storage] } as unknown as PreparingParts;
  const workflowExecution = { workflowId: 'customer-updates/abc/large', runId: 'run-1' };
  const run = new MockActivityEnvironment({ workflowExecution }).run(prepareJob, parts, {
    format: FORMAT,
    job: { storeHash: 'abc', key: 'run-1' },
    input: { storeHash: 'abc', source: { uri: storage.uri(copy) } },
  });
  await expect(run).rejects.toMatchObject({ type: 'BadInput', message: expect.stringMatching(/Split the source/) });
  expect(await storage.exists(copy)).toBe(false);
});
