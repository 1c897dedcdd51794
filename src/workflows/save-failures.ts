import { CancellationScope } from '@temporalio/workflow';
import { failuresFile } from '../activity-contract.ts';
import { FAILURES_IN_STATE } from '../contract.ts';
import { saveFailures } from './activities.ts';
import type { Job } from './job.ts';
import type { Ledger } from './ledger.ts';

/**
 * Moves the failures that are too many for the state to a file. At most 1,000 a file: as an activity's input they must
 * stay far below 2 MiB.
 */
export async function saveFailuresOf(job: Job, ledger: Ledger): Promise<void> {
  if (ledger.surplus === 0) return;
  await CancellationScope.nonCancellable(() =>
    ledger.saveOldest(FAILURES_IN_STATE, (failures, file) => {
      const name = failuresFile(file);
      const summary = `${failures.length} failures · file ${name}`;
      return saveFailures.executeWithOptions({ summary }, [{ job: job.ref, name, failures, olderIn: ledger.olderIn }]);
    }),
  );
}
