import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { JobStore } from '../contract/activities.ts';
import { isPossibleId, type Match, type Source } from '../contract/job.ts';
import { BadInput, jobOptionsSchema } from '../contract/schema.ts';
import { BadSource, type SourceRecord } from '../jobs/sources/record.ts';
import { fixKey } from '../jobs/fix.ts';
import { closedJob } from '../jobs/close.ts';
import { BACKUPS, isSourceFor, jobKeys, type SourceReader } from '../jobs/keys.ts';
import { noteRetry } from '../jobs/retries.ts';
import { quoted } from '../contract/describe.ts';
import { startedEvent } from '../temporal/internals.ts';
import type { Storage } from '../storage/storage.ts';
import { inlineRecords, openSource, type ReadingOptions } from '../jobs/sources/source.ts';

/** The job named by `retryOf` has left nothing to retry. */
export class NothingToRetry extends Error {
  override name = 'NothingToRetry';
}

/**
 * The key of what an ended job of this store has left to send again. The job itself is not asked: anybody's worker
 * might answer. The key follows from the store and from the id of the job's first run, which the server says, and only
 * our own workers write there. The reader is entered as a retry of that job. Throws BadInput, BadSource and NothingToRetry.
 */
async function retryFileOf(
  client: Client,
  storage: Storage,
  reader: RefReader,
  id: string,
  match: Match,
): Promise<string> {
  const name = quoted(id);
  const noSuchJob = () => new BadInput(`source.retryOf: there is no job ${name}.`);
  if (!isPossibleId(id)) throw noSuchJob();
  const { type, status, runId } = await client.workflow
    .getHandle(id)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw noSuchJob();
      throw error;
    });
  if (type !== 'updateCustomers') throw new BadInput(`source.retryOf: ${name} is not a job.`);
  if (status.name === 'RUNNING') {
    throw new BadInput(`source.retryOf: ${name} has not ended. Wait for it to end, or cancel it.`);
  }
  if (status.name === 'TERMINATED' || status.name === 'TIMED_OUT') {
    throw new BadInput(
      `source.retryOf: ${name} was terminated, so it left no retry file. Start from its source again.`,
    );
  }
  const started = await startedEvent(client, id, runId);
  const { storeHash, id: retry, key } = reader;
  const keys = jobKeys({ storeHash, key: started?.firstExecutionRunId || runId });
  const closed = await closedJob(storage, keys);
  if (await storage.exists(keys.retry)) {
    const left = closed?.match ?? match;
    if (left !== match) {
      throw new BadInput(
        `options.match: expected "${left}", as in ${name}, whose customers are sent again, got "${match}".`,
      );
    }
    await noteRetry(storage, keys, { id: retry, key });
    return keys.retry;
  }
  if (closed) {
    const fix = await fixKey(storage, keys);
    const cure =
      fix === undefined
        ? ''
        : ` Its rejected and invalid rows are in ${storage.uri(fix)}: correct them, then start a job from that file.`;
    throw new NothingToRetry(`${name} left no customers to send again.${cure}`);
  }
  throw new BadSource(
    `source.retryOf: JOB_STORE (${storage.root}) has no files of ${name} for store ${storeHash}: it is a job of another ` +
      'store, failed before it had read its source, or its files were purged. Start from its source.',
  );
}

/** The job that reads a source, and the key of its files. */
export type RefReader = SourceReader & { key: string };

/** What preparing a job needs of the process. */
export interface PreparingParts {
  client: Client;
  storage: Storage;
  jobStore: JobStore;
  /** Where sources may lie. */
  sourceRoots: Storage[];
}

/** How a file of our own is read: a job's options are about other people's files. */
const AS_WE_WRITE: ReadingOptions = jobOptionsSchema.parse({});

export async function recordsOf(
  { client, storage, sourceRoots }: Omit<PreparingParts, 'jobStore'>,
  reader: RefReader,
  source: Source,
  reading: ReadingOptions,
): Promise<AsyncIterable<SourceRecord[]>> {
  if ('customers' in source) return inlineRecords(source.customers, reading);
  if ('uri' in source) {
    return openSource(source, sourceRoots, reading, (uri) => checkSource(storage, uri, reader, reading.match));
  }
  const { digest, match } = reading;
  const key = await retryFileOf(client, storage, reader, source.retryOf, match);
  return openSource({ uri: storage.uri(key), format: 'ndjson' }, [storage], {
    ...AS_WE_WRITE,
    match,
    ...(digest && { digest }),
  });
}

/** Not every job may read all of the job store, whatever SOURCE_ROOTS are. */
function checkSource(storage: Storage, uri: string, reader: SourceReader, match: Match): void {
  const key = storage.keyOf(uri);
  if (key?.startsWith(BACKUPS) && match === 'email') {
    throw new BadSource(
      'The addresses in a backup are the ones to restore: start it without --match email (match), by its ids.',
    );
  }
  if (key === undefined || isSourceFor(reader, key)) return;
  throw new BadSource(
    'source.uri: expected a file that this job may read, got one in the job store that belongs to another job or store. ' +
      "The starter's copy of a file is for its own job: start this job with the file itself. A backup is for its store.",
  );
}
