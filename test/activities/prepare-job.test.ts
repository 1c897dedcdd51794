import { MockActivityEnvironment } from '@temporalio/testing';
import { prepareJob } from '../../src/activities/prepare-job.ts';
import { newStorage } from '../jobs/support.ts';
import type { PreparingParts } from '../../src/activities/job-source.ts';

test.each(['backup', 'skipUnchanged'])(
  'a job with %s that a workflow of an older worker began fails',
  async (option) => {
    const parts = { storage: await newStorage(), sourceRoots: [] } as unknown as PreparingParts;
    const input = { storeHash: 'abc', source: { customers: [{ id: 1, notes: 'x' }] }, options: { [option]: true } };
    const run = new MockActivityEnvironment().run(prepareJob, parts, {
      job: { storeHash: 'abc', key: 'run-1' },
      input,
    });
    await expect(run).rejects.toMatchObject({ type: 'BadInput', message: expect.stringMatching(/older worker/) });
  },
);
