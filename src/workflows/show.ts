/** What the Web UI shows of a job beside its history. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../search-attributes.ts';
import { details } from './details.ts';
import type { Job } from './job.ts';

/** Latest failures that the current details quote. */
const QUOTED_FAILURES = 3;

const keys = {
  store: defineSearchAttributeKey('CustomerUpdatesStore', SEARCH_ATTRIBUTES.CustomerUpdatesStore),
  state: defineSearchAttributeKey('CustomerUpdatesState', SEARCH_ATTRIBUTES.CustomerUpdatesState),
  rejected: defineSearchAttributeKey('CustomerUpdatesRejected', SEARCH_ATTRIBUTES.CustomerUpdatesRejected),
  progress: defineSearchAttributeKey('CustomerUpdatesProgress', SEARCH_ATTRIBUTES.CustomerUpdatesProgress),
};

/** Sets the current details, which cost nothing, and the search attributes where they have changed enough. */
export function show(job: Job): void {
  const now = Date.now();
  const { workflowId: id } = workflowInfo();
  const latest = job.ledger?.latestFailures(QUOTED_FAILURES) ?? [];
  setCurrentDetails(details(job.progress(now), { id, latest, slowedBy: job.slowedByAt(now) }));
  if (job.searchAttributes) showAttributes(job);
}

/** Each upsert is an event in the history: one a change of the state, and one each tenth of the job. */
function showAttributes(job: Job): void {
  const { state } = job;
  const { chunks, customers } = job.result();
  const percent = chunks.total === 0 ? 100 : Math.floor((100 * chunks.done) / chunks.total);
  const shown = `${state} ${Math.floor(percent / 10)}`;
  if (shown === job.attributesShown) return;
  job.attributesShown = shown;
  upsertSearchAttributes([
    { key: keys.store, value: job.ref.storeHash },
    { key: keys.state, value: state },
    { key: keys.rejected, value: customers.rejected },
    { key: keys.progress, value: percent },
  ]);
}
