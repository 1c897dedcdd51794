import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { type JobActivities, type PreparedJob, readsPresent } from '../contract/activities.ts';
import { BadInput } from '../jobs/errors.ts';
import { jobKeys, ownCopy } from '../jobs/keys.ts';
import { prepare } from '../jobs/prepare.ts';
import { notAnInput, parseJobInput } from '../contract/schema.ts';
import { jobFailure } from './failures.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { indexedValueType } from '../temporal/internals.ts';
import { type PreparingParts, recordsOf } from './job-source.ts';

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

/**
 * Whether the client's namespace has the jobs' search attributes: a workflow that sets one which is not there would stand
 * still. Where the server doesn't tell, it has none.
 */
async function hasSearchAttributes({ connection, options: { namespace } }: Client): Promise<boolean> {
  const { customAttributes } = await connection.operatorService
    .listSearchAttributes({ namespace })
    .catch(() => ({ customAttributes: {} as Record<string, number> }));
  return Object.entries(SEARCH_ATTRIBUTES).every(
    ([name, type]) => Number(customAttributes[name]) === indexedValueType(type),
  );
}
