/**
 * What of a call does the store not take? The next parts to send, and what the answer settles. Pure; the state is plain
 * JSON without customers' data, so that it can travel in a heartbeat.
 *
 * It ends whatever the store answers: an answer settles a part, splits a subset (at most n - 1 times for n parts) or sends
 * a single one again because it was left out (once each). So n parts take at most 3n - 1 calls; 2n - 1 if no successful
 * answer leaves anyone out; and one more than there are rejected ones if the store names them.
 */
import type { OutcomeCode } from '../contract/job.ts';
import type { Complaint, Isolate, Taken } from './answer.ts';
import { customerIn, cut, isValue, type Part, TEN } from './parts.ts';

/** A part that was not taken. The message contains no e-mail address. */
export interface NotTaken<P = number> {
  id: P;
  code: OutcomeCode;
  message: string;
  /** Of a customer with `attributes_rejected`: those that were not taken, as the rest was. */
  attributes?: number[];
}

/** The settled parts; each is in exactly one of the lists. */
export interface Fates<P = number> {
  updated: P[];
  /** The store would not take these. */
  rejected: NotTaken<P>[];
  /** Whether the store took these is unknown. */
  failed: NotTaken<P>[];
}

/** Every part is settled or in `todo`, or left out because its customer is. */
export interface IsolationState<P extends Part = number> extends Fates<P> {
  /** Subsets still to send, in order, each of one kind; none is empty. */
  todo: P[][];
  /** Parts that a full or partial success left out once. */
  missing: P[];
  /**
   * More than ten values were refused without a word on which, and are sent in tens: `tried` as long as all tens were
   * taken, apart from what the store named. Then it was for their number.
   */
  tens?: 'tried' | 'moot';
}

/** Nothing sent yet: these are to be, in order. The parts must differ. */
export function start<P extends Part>(...subsets: P[][]): IsolationState<P> {
  return { todo: subsets.filter(({ length }) => length > 0), updated: [], rejected: [], failed: [], missing: [] };
}

/** The parts to send next; undefined once all are settled. */
export function next<P extends Part>(state: IsolationState<P>): P[] | undefined {
  return state.todo[0];
}

/** The state after the answer to `next(state)`. `emailOf` returns the e-mail address sent for a customer, if one was. */
export function applyAnswer<P extends Part>(
  state: IsolationState<P>,
  answer: Taken<P[]> | Isolate,
  emailOf: (customer: number) => string | undefined,
): IsolationState<P> {
  const [subset, ...others] = state.todo;
  if (!subset) return state;
  const rest = { ...state, todo: others };
  return leavingOut(
    answer.kind === 'ok' ? taken(rest, subset, new Set(answer.body)) : objected(rest, subset, answer, emailOf),
  );
}

/**
 * The state after no answer came to `next(state)`: its parts are to be sent one by one, and one that was sent alone after
 * all others, but before what follows for its customer. The store may answer for some of them.
 */
export function applySilence<P extends Part>(state: IsolationState<P>): IsolationState<P> {
  const [subset = [], ...others] = state.todo;
  const alone = subset.map((part) => [part]);
  if (subset.length > 1) return { ...state, todo: [...alone, ...others] };
  const follows = (part: P) => subset.some((sent) => !isValue(sent) && customerIn(sent) === customerIn(part));
  return { ...state, todo: [...kept(others, (part) => !follows(part)), ...alone, ...kept(others, follows)] };
}

/** Whether the store has shown that it takes ten values at a time, and no more. */
export const takesTens = ({ tens }: IsolationState<Part>): boolean => tens === 'tried';

const kept = <P>(subsets: P[][], isKept: (part: P) => boolean): P[][] =>
  subsets.map((subset) => subset.filter(isKept)).filter(({ length }) => length > 0);

/** Leaves out what follows for customers whose fields were not taken, or whom the store does not know. */
function leavingOut<P extends Part>(state: IsolationState<P>): IsolationState<P> {
  const ends = [...state.rejected, ...state.failed].filter(({ id, code }) => !isValue(id) || code === 'unknown_id');
  const out = new Set(ends.map(({ id }) => customerIn(id)));
  return out.size === 0 ? state : { ...state, todo: kept(state.todo, (part) => !out.has(customerIn(part))) };
}

function taken<P extends Part>(state: IsolationState<P>, subset: P[], answered: Set<P>): IsolationState<P> {
  const left = subset.filter((part) => !answered.has(part));
  const again = left.filter((part) => !state.missing.includes(part));
  const lost = left.filter((part) => state.missing.includes(part));
  return {
    ...state,
    todo: [...again.map((part) => [part]), ...state.todo],
    updated: [...state.updated, ...subset.filter((part) => answered.has(part))],
    failed: [...state.failed, ...lost.map(neverConfirmed)],
    missing: [...state.missing, ...again],
  };
}

function neverConfirmed<P extends Part>(id: P): NotTaken<P> {
  const what = isValue(id) ? 'value' : 'customer';
  return { id, code: 'unavailable', message: `The store took the call twice, but never confirmed this ${what}.` };
}

function objected<P extends Part>(
  state: IsolationState<P>,
  subset: P[],
  answer: Isolate,
  emailOf: (customer: number) => string | undefined,
): IsolationState<P> {
  // A partial success that does not say for whom: the one that was sent alone may have been left out.
  if (subset.length === 1 && answer.code === 'unavailable') return taken(state, subset, new Set());
  const named = namedBy(subset, answer, emailOf);
  const isSet = isValue(subset[0] as P, 'set');
  const tens = isSet && named.size === 0 && state.tens ? { tens: 'moot' as const } : {};
  const accused = named.size === 0 && subset.length === 1 ? new Map(subset.map((part) => [part, answer])) : named;
  if (accused.size === 0 && isSet && subset.length > TEN) {
    return { ...state, todo: [...cut(subset, TEN), ...state.todo], tens: 'tried' };
  }
  if (accused.size === 0) return { ...state, ...tens, todo: [...halves(subset), ...state.todo] };
  const rest = subset.filter((part) => !accused.has(part));
  const out = [...accused].map(([id, { code, message }]): NotTaken<P> => ({ id, code, message }));
  return {
    ...state,
    ...tens,
    todo: rest.length > 0 ? [rest, ...state.todo] : state.todo,
    rejected: [...state.rejected, ...out],
  };
}

/** Cut in the middle, or as near to it as there is a place between two customers. */
function halves<P extends Part>(subset: P[]): P[][] {
  const middle = Math.ceil(subset.length / 2);
  const places = subset.flatMap((part, at) =>
    at > 0 && customerIn(part) !== customerIn(subset[at - 1] as P) ? [at] : [],
  );
  const at = places.length === 0 ? middle : places.reduce((a, b) => (near(b, middle) < near(a, middle) ? b : a));
  return [subset.slice(0, at), subset.slice(at)];
}

const near = (a: number, b: number): number => Math.abs(a - b);

/** What an answer is about, and what it says, if it names something and that makes sense. */
function namedBy<P extends Part>(
  subset: P[],
  answer: Isolate,
  emailOf: (customer: number) => string | undefined,
): Map<P, Complaint> {
  // Of several complaints about a part the first is kept.
  const named = new Map(answer.named.toReversed().map((complaint) => [subset[complaint.index], complaint]));
  if (!named.has(undefined) && named.size > 0) return named as Map<P, Complaint>;
  const owners = subset.filter((part) => !isValue(part) && answer.emails.includes(emailFor(part)));
  return new Map(owners.length === 1 ? owners.map((part) => [part, answer]) : []);

  function emailFor(part: P): string {
    return emailOf(customerIn(part))?.toLowerCase() ?? '';
  }
}
