import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { type JobActivities, type PreparedJob, readsPresent } from '../activity-contract.ts';
import type { Source } from '../contract.ts';
import { BadInput, BadSource } from '../jobs/errors.ts';
import { isSourceFor, jobKeys, ownCopy, type SourceReader } from '../jobs/keys.ts';
import { prepare } from '../jobs/prepare.ts';
import type { CsvOptions } from '../jobs/sources/csv.ts';
import type { SourceRecord } from '../jobs/sources/record.ts';
import { inlineRecords, openSource } from '../jobs/sources/source.ts';
import { notAnInput, parseJobInput } from '../schema.ts';
import type { Storage } from '../storage/storage.ts';
import { jobFailure } from './failures.ts';
import { retryFileOf } from './retry-file.ts';
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
  { job, input, mayRead, instead }: PrepareJobInput,
): Promise<PreparedJob> {
  const { cancellationSignal, heartbeat, info } = Context.current();
  try {
    if (instead !== undefined) throw new BadInput(notAnInput(instead));
    const { storeHash, source, options } = parseJobInput(input);
    if (readsPresent(options) && !mayRead) {
      throw new BadInput(
        'An older worker has begun this job, which knows neither backup nor skipUnchanged. No call was made: start the job ' +
          'again when all workers are new.',
      );
    }
    const reader = { storeHash, id: info.workflowExecution?.workflowId ?? '' };
    const records = await recordsOf(parts, reader, source, options);
    const onProgress = (rows: number) => {
      heartbeat(rows);
      cancellationSignal.throwIfAborted();
    };
    const { storage, client } = parts;
    const keys = jobKeys(job);
    const prepared = await prepare({ storage, keys, records, limit: options.limit, onProgress }).catch(
      async (error: unknown) => {
        // The job ends with it: nothing else would delete the copy. Of what is no source, closeJob does.
        const copy = 'uri' in source && error instanceof BadInput ? ownCopy(storage, source.uri, reader) : undefined;
        if (copy !== undefined) await storage.delete(copy);
        throw error;
      },
    );
    return { ...prepared, searchAttributes: await hasSearchAttributes(client) };
  } catch (error) {
    throw jobFailure(error);
  }
}

async function recordsOf(
  { client, storage, sourceRoots }: PreparingParts,
  reader: SourceReader,
  source: Source,
  csv: CsvOptions,
): Promise<AsyncIterable<SourceRecord[]>> {
  if ('customers' in source) return inlineRecords(source.customers);
  if ('uri' in source) {
    return openSource(source, sourceRoots, csv, (uri) => checkSource(storage, uri, reader));
  }
  const key = await retryFileOf(client, storage, reader.storeHash, source.retryOf);
  return openSource({ uri: storage.uri(key), format: 'ndjson' }, [storage], csv);
}

/** What is in the job store is not every job's to read, whatever SOURCE_ROOTS are. */
function checkSource(storage: Storage, uri: string, reader: SourceReader): void {
  const key = storage.keyOf(uri);
  if (key === undefined || isSourceFor(reader, key)) return;
  throw new BadSource(
    'source.uri: expected a file that this job may read, got one of the job store that belongs to another job or store. A ' +
      'copy that the starter has made is for its own job: start this one with the file itself. A backup is for its store.',
  );
}
