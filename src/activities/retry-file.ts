import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { isPossibleId } from '../contract.ts';
import { BadInput, BadSource, NothingToRetry } from '../jobs/errors.ts';
import { jobKeys } from '../jobs/keys.ts';
import { quoted } from '../schema.ts';
import { startedEvent } from '../started-event.ts';
import type { Storage } from '../storage/storage.ts';

/**
 * The key of what an ended job of this store has left to send again. The job itself is not asked: its worker may be
 * anybody's. Its first run's id, which the server gives, and the store are where only our own workers write. Throws
 * BadInput, BadSource and NothingToRetry.
 */
export async function retryFileOf(client: Client, storage: Storage, storeHash: string, id: string): Promise<string> {
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
    throw new BadInput(`source.retryOf: ${name} has not ended. Wait for its end, or cancel it.`);
  }
  if (status.name === 'TERMINATED' || status.name === 'TIMED_OUT') {
    throw new BadInput(
      `source.retryOf: ${name} was terminated, so it left no retry file. Start from its source again.`,
    );
  }
  const started = await startedEvent(client, id, runId);
  const keys = jobKeys({ storeHash, key: started?.firstExecutionRunId || runId });
  if (await storage.exists(keys.retry)) return keys.retry;
  if (await storage.exists(keys.done)) throw new NothingToRetry(`${name} has left no customer to send again.`);
  throw new BadSource(
    `source.retryOf: there is nothing of ${name} in JOB_STORE (${storage.root}) for store ${storeHash}: it is a job of ` +
      'another store, failed before it had read its source, or its files were purged. Start from its source.',
  );
}
