import { MockActivityEnvironment } from '@temporalio/testing';
import { createJobActivities } from '../../src/activities/job-activities.ts';
import type { PreparingParts } from '../../src/activities/job-source.ts';
import { FORMAT, type JobRef, type PreparedJob } from '../../src/contract/activities.ts';
import { FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { readFailures } from '../../src/jobs/failure-files.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { all, newStorage } from '../jobs/support.ts';

test('an attempt that was frozen while the source was replaced changes nothing of what a later one has written', async () => {
  const storage = await newStorage();
  const job: JobRef = { storeHash: 'abc', key: 'run-1' };
  // More invalid rows than workflow state keeps, and two pages.
  const source = (text: string) => [
    `[${'{},'.repeat(FAILURES_IN_STATE + 10)}`,
    Array.from({ length: 1_500 }, (_, index) => JSON.stringify({ id: index + 1, notes: text })).join(','),
    ']',
  ];
  const input = { storeHash: 'abc', source: { uri: storage.uri('sources/a.json') } };
  const client = {
    options: {},
    connection: { operatorService: { listSearchAttributes: async () => ({ customAttributes: {} }) } },
  };
  const parts = { client, storage, sourceRoots: [storage] } as unknown as PreparingParts;
  const { prepareJob } = createJobActivities(parts);
  const attempt = () => new MockActivityEnvironment().run(() => prepareJob({ format: FORMAT, job, input }));

  await storage.write('sources/a.json', source('old'));
  const write = storage.write.bind(storage);
  let wakeUp = (): void => undefined;
  let sleeps = (): void => undefined;
  const isAsleep = new Promise<void>((resolve) => (sleeps = resolve));
  const awake = new Promise<void>((resolve) => (wakeUp = resolve));
  // All of its source was read, and nothing of it written.
  storage.write = async (key, content) => {
    if (!key.includes('/pages/') && !key.includes('/failures/')) return write(key, content);
    sleeps();
    await awake;
    await write(key, content);
  };
  const frozen = attempt();
  await Promise.race([isAsleep, frozen]);
  storage.write = write;
  await storage.write('sources/a.json', source('new'));
  const prepared = (await attempt()) as PreparedJob;
  wakeUp();
  await frozen;

  const pages = new PageReader(storage);
  const keys = jobKeys({ ...job, set: prepared.set });
  for (const chunk of [0, 149]) expect((await pages.readChunk(keys, chunk)).body).toContain('"notes":"new"');
  expect(await all(readFailures(storage, prepared.olderIn))).toHaveLength(10);
});
