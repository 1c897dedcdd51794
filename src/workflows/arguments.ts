/** The arguments of a job and of its queries before anybody has checked them, and how a run passes its own to the next. */
import { workflowInfo } from '@temporalio/workflow';
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import { BEGAN_WITH_0, FORMAT, type JobRef, type NameKind } from '../contract/activities.ts';
import type { JobInput } from '../contract/job.ts';
import { describeValue, describeName } from '../contract/describe.ts';
import { Unreadable } from '../payloads/converter.ts';
import type { Hold, RejectionsFrom } from './hold.ts';
import type { EmailRounds } from './email-rounds.ts';
import type { Found } from './found.ts';
import type { CarriedLedger } from './ledger.ts';
import type { Witness } from './steps.ts';
import type { CarriedWork } from './work.ts';

/** The arguments of updateCustomers. */
export type Arguments = [input: JobInput, carried?: Uint8Array];

/** What the previous run has passed on, or a new job's input; `instead` describes what came if it can't be an input. */
export function received(args: Arguments): { input: JobInput; carried?: Uint8Array | undefined; instead?: string } {
  const [input, carried] = args;
  if (workflowInfo().continuedFromExecutionRunId) return { input, carried };
  if (args.length > 1) return { input, instead: `${args.length} arguments` };
  // Neither can be passed on to prepareJob, which checks inputs.
  const strange = input instanceof Unreadable || ArrayBuffer.isView(input);
  return strange ? { input: undefined as unknown as JobInput, instead: inWords(input) } : { input };
}

/**
 * Most characters of an input's JSON, more than any valid input has. Temporal's limit is 2 MB a payload: a workflow
 * whose input just fits would try to pass it on with a little more, again and again.
 */
const MAX_INPUT = 700_000;

export const NOT_JSON = "Expected a job's input that JSON can hold, got one that is nested too deeply.";

/** Why prepareJob can't be given an input; undefined if it can. */
export function tooMuch(input: unknown): string | undefined {
  let size: number;
  try {
    size = (JSON.stringify(input) as string | undefined)?.length ?? 0;
  } catch {
    return NOT_JSON;
  }
  if (size <= MAX_INPUT) return undefined;
  return `Expected a job's input of at most ${MAX_INPUT} characters of JSON, got ${size}; a file may have more.`;
}

export function inWords(value: unknown): string {
  if (value instanceof Unreadable) return value.found;
  if (ArrayBuffer.isView(value)) return 'bytes';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return describeValue(value);
  const fields = Object.entries(value).slice(0, 3);
  return `an object of ${fields.map(([name, field]) => `${describeName(name)}: ${describeValue(field)}`).join(', ')}`;
}

/** What the source has names of, and whether the store was asked for them. */
export interface Names {
  kinds: NameKind[];
  known: boolean;
}

/** Whether the store has still to be asked for names. */
export const areMissing = (names: Names | null): boolean => names?.known === false;

/** A job as it travels through continue-as-new. */
export interface CarriedJob {
  ledger: CarriedLedger;
  work: CarriedWork;
  paused: string | null;
  holds: Record<Witness, Hold | null>;
  resumed: boolean;
  rejectionsFrom: RejectionsFrom;
  emailRounds: EmailRounds;
  concurrency: number;
  found: Found;
  searchAttributes: boolean;
  notes: string[];
  tensOfValues: boolean;
  attributesShown: string;
  names: Names | null;
  where: Pick<JobRef, 'set' | 'jobStore'>;
}

/** The job as compressed JSON. Bytes are carried as they are, whereas text would take a third more. */
export function pack(job: CarriedJob): Uint8Array {
  return deflateSync(strToU8(JSON.stringify({ format: FORMAT, ...job })));
}

/** The inverse of pack. Throws BEGAN_WITH_0 for a job of 0.x: the workflow's task fails, and is retried. */
export function unpack(carried: unknown): CarriedJob {
  const json = ArrayBuffer.isView(carried) ? strFromU8(inflateSync(carried as Uint8Array)) : '{}';
  const { format, ...job } = JSON.parse(json) as CarriedJob & { format?: unknown };
  if (format !== FORMAT) throw new Error(BEGAN_WITH_0);
  return job;
}
