import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { JobActivities, PreparedJob } from '../activity-contract.ts';
import { progressQuery, type Source } from '../contract.ts';
import { BadInput, BadSource, NothingToRetry } from '../jobs/errors.ts';
import { BACKUPS, jobKeys } from '../jobs/keys.ts';
import { prepare } from '../jobs/prepare.ts';
import type { CsvOptions } from '../jobs/sources/csv.ts';
import type { SourceRecord } from '../jobs/sources/record.ts';
import { inlineRecords, openSource } from '../jobs/sources/source.ts';
import { parseJobInput } from '../schema.ts';
import type { Storage } from '../storage/storage.ts';
import { jobFailure } from './failures.ts';
import { hasSearchAttributes } from './search-attributes.ts';

/** What preparing needs of the process. */
export interface PreparingParts {
  client: Client;
  storage: Storage;
  /** Places that a source may lie in. */
  sourceRoots: Storage[];
}

type PrepareJobInput = Parameters<JobActivities['prepareJob']>[0];

/** Reads and checks the source, and writes its chunks to the job store. A second attempt starts over. */
export async function prepareJob(
  parts: PreparingParts,
  { job, input, mayRead }: PrepareJobInput,
): Promise<PreparedJob> {
  const { cancellationSignal, heartbeat } = Context.current();
  try {
    const { storeHash, source, options } = parseJobInput(input);
    if ((options.backup || options.skipUnchanged) && !mayRead) {
      throw new BadInput(
        'An older worker has begun this job, which knows neither backup nor skipUnchanged. No call was made: start the job ' +
          'again when all workers are new.',
      );
    }
    const records = await recordsOf(parts, storeHash, source, options);
    const onProgress = (rows: number) => {
      heartbeat(rows);
      cancellationSignal.throwIfAborted();
    };
    const { storage, client } = parts;
    const prepared = await prepare({ storage, keys: jobKeys(job), records, limit: options.limit, onProgress });
    return { ...prepared, searchAttributes: await hasSearchAttributes(client) };
  } catch (error) {
    throw jobFailure(error);
  }
}

async function recordsOf(
  { client, storage, sourceRoots }: PreparingParts,
  storeHash: string,
  source: Source,
  csv: CsvOptions,
): Promise<AsyncIterable<SourceRecord[]>> {
  if ('customers' in source) return inlineRecords(source.customers);
  if ('uri' in source) {
    checkOwnBackup(storage, storeHash, source.uri);
    return openSource(source, sourceRoots, csv);
  }
  const { uri, key } = await retryFileOf(client, storage, storeHash, source.retryOf);
  if (!(await storage.exists(key))) {
    throw new BadSource(
      `source.retryOf: what ${source.retryOf} has left to send again is not there any more: its files were purged, or ` +
        `are not in JOB_STORE (${storage.root}). Start from its source.`,
    );
  }
  return openSource({ uri, format: 'ndjson' }, [storage], csv);
}

/** A backup holds customers of one store, whose ids are others' in another. */
function checkOwnBackup(storage: Storage, storeHash: string, uri: string): void {
  const key = storage.keyOf(uri);
  if (!key?.startsWith(BACKUPS) || key.startsWith(`${BACKUPS}${storeHash}/`)) return;
  throw new BadInput(`source.uri: expected a backup of a job of store ${storeHash}, got one of another store.`);
}

/** Where an ended job of the same store has put what is to be sent again. */
async function retryFileOf(
  client: Client,
  storage: Storage,
  storeHash: string,
  jobId: string,
): Promise<{ uri: string; key: string }> {
  const handle = client.workflow.getHandle(jobId);
  const described = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw new BadInput(`source.retryOf: there is no job ${jobId}.`);
    throw error;
  });
  if (described.type !== 'updateCustomers') throw new BadInput(`source.retryOf: ${jobId} is not a job.`);
  if (described.status.name === 'RUNNING') {
    throw new BadInput(`source.retryOf: ${jobId} has not ended. Wait for its end, or cancel it.`);
  }
  if (described.status.name === 'TERMINATED' || described.status.name === 'TIMED_OUT') {
    throw new BadInput(
      `source.retryOf: ${jobId} was terminated, so it left no retry file. Start from its source again.`,
    );
  }
  const { retry } = await handle.query(progressQuery);
  if (retry === null) throw new NothingToRetry(`${jobId} has left no customer to send again.`);
  const key = storage.keyOf(retry);
  if (!key?.startsWith(`jobs/${storeHash}/`)) {
    throw new BadInput(
      `source.retryOf: ${jobId} is not a job of store ${storeHash} whose files are in ${storage.root}.`,
    );
  }
  return { uri: retry, key };
}
