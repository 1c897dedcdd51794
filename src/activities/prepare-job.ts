import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { BEGAN_WITH_0, FORMAT, type JobActivities, type NeedsNames, type PreparedJob } from '../contract/activities.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { BadInput, notAnInput, parseJobInput } from '../contract/schema.ts';
import { takeOver } from '../jobs/earlier-runs.ts';
import { ownCopy } from '../jobs/keys.ts';
import { NamesNeeded } from '../jobs/names.ts';
import { readNames } from '../jobs/names-file.ts';
import { newSet } from '../jobs/pages.ts';
import { fitting, prepare } from '../jobs/prepare.ts';
import { runKeys } from './context.ts';
import { jobFailure, requireFiles } from './failures.ts';
import { indexedValueType } from '../temporal/internals.ts';
import { type PreparingParts, recordsOf } from './job-source.ts';

type PrepareJobInput = Parameters<JobActivities['prepareJob']>[0];

/**
 * Reads and checks the source, and writes its chunks to the job store. A second attempt starts over, in other files. Ends
 * early if the source names things of the store for which that was not asked yet.
 */
export async function prepareJob(
  parts: PreparingParts,
  { format, job, input, instead, schedule }: PrepareJobInput,
): Promise<PreparedJob | NeedsNames> {
  // Retried until a worker of 0.x takes it, which looks for no format.
  if (format !== FORMAT) throw new Error(BEGAN_WITH_0);
  requireFiles(parts.jobStore, job);
  const { cancellationSignal, heartbeat, info } = Context.current();
  try {
    if (instead !== undefined) throw new BadInput(notAnInput(instead));
    const { storeHash, source, options } = parseJobInput(input);
    const reader = { storeHash, id: info.workflowExecution?.workflowId ?? '', key: job.key };
    const notes: string[] = [];
    const note = (text: string) => notes.push(fitting(text));
    const { storage, client, jobStore } = parts;
    const names = await readNames(storage, job);
    let digest: string | undefined;
    const setDigest = (sha256: string) => (digest = sha256);
    const records = await recordsOf(parts, reader, source, { ...options, ...names, note, digest: setDigest });
    const onProgress = (rows: number) => {
      heartbeat(rows);
      cancellationSignal.throwIfAborted();
    };
    const keys = await newSet(storage, runKeys(job));
    const prepared = await prepare({
      storage,
      keys,
      records,
      limit: options.limit,
      match: options.match,
      onRenames: (chunksToSend) =>
        takeOver(storage, schedule ?? reader.id, { storeHash, key: job.key, set: keys.set, chunksToSend }),
      onProgress,
    }).catch(async (error: unknown) => {
      // The job ends here, so nothing else would delete the copy. After a BadSource, closeJob does.
      const copy = 'uri' in source && error instanceof BadInput ? ownCopy(storage, source.uri, reader) : undefined;
      if (copy !== undefined) await storage.delete(copy);
      throw error;
    });
    return {
      format,
      set: keys.set,
      jobStore,
      ...prepared,
      ...(digest !== undefined && { digest }),
      searchAttributes: await hasSearchAttributes(client),
      notes,
    };
  } catch (error) {
    if (error instanceof NamesNeeded) {
      const { client, jobStore } = parts;
      return { format, needs: error.kinds, jobStore, searchAttributes: await hasSearchAttributes(client) };
    }
    throw jobFailure(error, info.attempt);
  }
}

/**
 * Whether the client's namespace has the jobs' search attributes: a workflow that sets one that is missing would get
 * stuck. A server that does not say counts as having none.
 */
async function hasSearchAttributes({ connection, options: { namespace } }: Client): Promise<boolean> {
  const { customAttributes } = await connection.operatorService
    .listSearchAttributes({ namespace })
    .catch(() => ({ customAttributes: {} as Record<string, number> }));
  return Object.entries(SEARCH_ATTRIBUTES).every(
    ([name, type]) => Number(customAttributes[name]) === indexedValueType(type),
  );
}
