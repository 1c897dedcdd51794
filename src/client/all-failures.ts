import type { Failure, Failures } from '../contract.ts';
import { readFailures } from '../jobs/failures.ts';
import { NotFound } from '../storage/storage.ts';
import { FilesGone } from './errors.ts';
import { openJobStore } from './job-store.ts';

/** What is asked of a job to know all of its failures. */
interface Asked {
  readonly id: string;
  failures(after?: number): Promise<Failures>;
}

/** Those in files, from the newest to the oldest, each by row; then those in state. */
export async function* allFailures(job: Asked, jobStore: string | undefined): AsyncGenerator<Failure, void, undefined> {
  const { olderIn, failures } = await inState(job);
  if (olderIn !== null) {
    const storage = await openJobStore(jobStore, `where all but the latest failures of the job ${job.id} are`);
    try {
      yield* readFailures(storage, olderIn);
    } catch (error) {
      throw error instanceof NotFound ? new FilesGone(job.id, storage.root, { cause: error }) : error;
    }
  }
  yield* failures;
}

/** The failures in state, all of one moment: while a job runs, the older ones move to a file now and then. */
async function inState(job: Asked): Promise<{ olderIn: string | null; failures: Failure[] }> {
  for (;;) {
    const { olderIn, ...first } = await job.failures();
    const failures = [...first.failures];
    let page: Pick<Failures, 'next' | 'olderIn'> = { ...first, olderIn };
    while (page.next !== null && page.olderIn === olderIn) {
      const next: Failures = await job.failures(page.next);
      failures.push(...next.failures);
      page = next;
    }
    if (page.olderIn === olderIn) return { olderIn, failures };
  }
}
