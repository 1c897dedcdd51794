import { found } from '../contract/describe.ts';
import { BadInput } from '../contract/schema.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';

/** Opens the job store that a caller names; `why` says what for. Throws BadInput where it names none. */
export async function openJobStore(uri: unknown, why: string): Promise<Storage> {
  if (typeof uri !== 'string' || uri === '') {
    throw new BadInput(
      `options.jobStore: expected the URI of the workers' job store, file:… or s3://…, ${why}; got ${found(uri)}.`,
    );
  }
  try {
    return await openStorage(uri, process.cwd());
  } catch (error) {
    throw error instanceof RangeError ? new BadInput(`options.jobStore: ${error.message}`) : error;
  }
}
