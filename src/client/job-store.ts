import { describeValue } from '../contract/describe.ts';
import { BadInput } from '../contract/schema.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';

/** Where a job's files are. */
export interface JobStoreOption {
  /** The workers' job store (their JOB_STORE), `file:…` or `s3://…`; a folder may be relative to the current one. */
  jobStore?: string | undefined;
}

/** Opens the job store that a caller names; `why` says what it is needed for. Throws BadInput. */
export async function openJobStore(uri: unknown, why: string): Promise<Storage> {
  if (typeof uri !== 'string' || uri === '') {
    throw new BadInput(
      `options.jobStore: expected the URI of the workers' job store, file:… or s3://…, ${why}; got ${describeValue(uri)}.`,
    );
  }
  try {
    return await openStorage(uri, process.cwd());
  } catch (error) {
    throw error instanceof RangeError ? new BadInput(`options.jobStore: ${error.message}`) : error;
  }
}
