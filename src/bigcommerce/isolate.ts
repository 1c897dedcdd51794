/**
 * Which customers of a call does the store reject? The next subset to send, and what its answer settles. Pure; the
 * state is plain JSON without customers' data, so that it can travel in a heartbeat.
 *
 * It ends whatever the store answers: an answer settles a customer, splits a subset (at most n - 1 times for n
 * customers) or sends a single one again because it was left out (once each). So n customers take at most 3n - 1 calls;
 * 2n - 1 if no successful answer leaves anyone out; and one more than there are rejected ones if the store names them.
 */
import type { OutcomeCode } from '../contract/job.ts';
import type { Complaint, Isolate, Taken } from './answer.ts';

/** A customer that was not updated. The message contains no e-mail address. */
export interface NotTaken {
  id: number;
  code: OutcomeCode;
  message: string;
}

/** The settled customers, by id; each is in exactly one of the lists. */
export interface Fates {
  updated: number[];
  /** The store would not take these. */
  rejected: NotTaken[];
  /** Whether the store took these is unknown. */
  failed: NotTaken[];
}

/** Every customer is either settled or in `todo`. */
export interface IsolationState extends Fates {
  /** Subsets of ids still to send, in order; none is empty. */
  todo: number[][];
  /** Ids that a full or partial success left out once. */
  missing: number[];
}

/** Nothing sent yet. The ids must differ. */
export function start(ids: number[]): IsolationState {
  return { todo: ids.length > 0 ? [ids] : [], updated: [], rejected: [], failed: [], missing: [] };
}

/** The ids to send next; undefined once everyone is settled. */
export function next(state: IsolationState): number[] | undefined {
  return state.todo[0];
}

/** The state after the answer to `next(state)`. `emailOf` returns the e-mail address sent for an id, if one was. */
export function applyAnswer(
  state: IsolationState,
  answer: Taken<number[]> | Isolate,
  emailOf: (id: number) => string | undefined,
): IsolationState {
  const [subset, ...others] = state.todo;
  if (!subset) return state;
  const rest = { ...state, todo: others };
  return answer.kind === 'ok' ? taken(rest, subset, new Set(answer.body)) : objected(rest, subset, answer, emailOf);
}

/**
 * The state after no answer came to `next(state)`: its customers are to be sent one by one, and one that was sent alone
 * after all others. The store may answer for some of them.
 */
export function applySilence(state: IsolationState): IsolationState {
  const [subset = [], ...others] = state.todo;
  const alone = subset.map((id) => [id]);
  return { ...state, todo: subset.length > 1 ? [...alone, ...others] : [...others, ...alone] };
}

function taken(state: IsolationState, subset: number[], answered: Set<number>): IsolationState {
  const left = subset.filter((id) => !answered.has(id));
  const again = left.filter((id) => !state.missing.includes(id));
  const lost = left.filter((id) => state.missing.includes(id));
  const message = 'The store took the call twice, but never confirmed this customer.';
  return {
    ...state,
    todo: [...again.map((id) => [id]), ...state.todo],
    updated: [...state.updated, ...subset.filter((id) => answered.has(id))],
    failed: [...state.failed, ...lost.map((id): NotTaken => ({ id, code: 'unavailable', message }))],
    missing: [...state.missing, ...again],
  };
}

function objected(
  state: IsolationState,
  subset: number[],
  answer: Isolate,
  emailOf: (id: number) => string | undefined,
): IsolationState {
  // A partial success that does not say for whom: the customer that was sent alone may have been left out.
  if (subset.length === 1 && answer.code === 'unavailable') return taken(state, subset, new Set());
  const accused = accuse(subset, answer, emailOf);
  if (accused.size === 0) {
    const middle = Math.ceil(subset.length / 2);
    return { ...state, todo: [subset.slice(0, middle), subset.slice(middle), ...state.todo] };
  }
  const rest = subset.filter((id) => !accused.has(id));
  const out = [...accused].map(([id, { code, message }]): NotTaken => ({ id, code, message }));
  return {
    ...state,
    todo: rest.length > 0 ? [rest, ...state.todo] : state.todo,
    rejected: [...state.rejected, ...out],
  };
}

/** Who an answer is about, and what it says: those it names, if that makes sense, or the one that was sent alone. */
function accuse(
  subset: number[],
  answer: Isolate,
  emailOf: (id: number) => string | undefined,
): Map<number, Complaint> {
  // Of several complaints about a customer the first is kept.
  const named = new Map(answer.named.toReversed().map((complaint) => [subset[complaint.index], complaint]));
  if (!named.has(undefined) && named.size > 0) return named as Map<number, Complaint>;
  if (subset.length === 1) return new Map(subset.map((id) => [id, answer]));
  const owners = subset.filter((id) => answer.emails.includes(emailOf(id)?.toLowerCase() ?? ''));
  return new Map(owners.length === 1 ? owners.map((id) => [id, answer]) : []);
}
