import fc from 'fast-check';
import type { Isolate, Taken } from '../../src/bigcommerce/answer.ts';
import { applyAnswer, applySilence, type IsolationState, next, start } from '../../src/bigcommerce/isolate.ts';
import { RUNS } from '../support/fuzz.ts';

type Oracle = (ids: number[], call: number) => Taken<number[]> | Isolate;

const emailOf = (id: number) => `Customer${id}@example.com`;
const ok = (ids: number[]): ReturnType<Oracle> => ({ kind: 'ok', body: ids });
const isolate = (about: Partial<Isolate> = {}): Isolate => ({
  kind: 'isolate',
  named: [],
  emails: [],
  code: 'rejected',
  message: 'no',
  ...about,
});

/** Sends until everyone is settled. The state goes through JSON each time, as it does in a heartbeat. */
function run(ids: number[], answer: Oracle): { state: IsolationState; calls: number } {
  let state = start(ids);
  let calls = 0;
  for (let subset = next(state); subset; subset = next(state)) {
    expect(subset.length).toBeGreaterThan(0);
    if (++calls > 3 * ids.length) throw new Error('It does not end.');
    state = JSON.parse(JSON.stringify(applyAnswer(state, answer(subset, calls), emailOf))) as IsolationState;
  }
  return { state, calls };
}

/** How a store reports that a customer is bad; each style stops at the first bad one. */
const STYLES: Record<string, (bad: number, index: number, size: number) => Isolate> = {
  'by its index': (_, index) =>
    isolate({ named: [{ index, code: 'unknown_id', message: 'id: invalid customer ID' }], code: 'unknown_id' }),
  'by its e-mail address': (bad) => isolate({ emails: [emailOf(bad).toLowerCase()], code: 'email_taken' }),
  'not at all': () => isolate(),
  'by an index out of range': (_, __, size) => isolate({ named: [{ index: size, code: 'rejected', message: 'no' }] }),
  'by the address of someone else': () => isolate({ emails: ['customer999@example.com'] }),
};

/** A store that accepts a call if all of its customers are good. */
const storeWith =
  (bad: number[], style: (bad: number, index: number, size: number) => Isolate): Oracle =>
  (ids) => {
    const index = ids.findIndex((id) => bad.includes(id));
    return index < 0 ? ok(ids) : style(ids[index] as number, index, ids.length);
  };

const sorted = (ids: number[]) => ids.toSorted((a, b) => a - b);

const TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const bads = fc.subarray(TEN);

describe.each(Object.keys(STYLES))('bad customers named %s', (name) => {
  const style = STYLES[name] as (typeof STYLES)[string];

  test('are rejected, and all others updated, whoever they are', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(TEN, { minLength: 1 }), bads, (ids, bad) => {
        const { state, calls } = run(ids, storeWith(bad, style));
        expect(sorted(state.updated)).toEqual(sorted(ids.filter((id) => !bad.includes(id))));
        expect(sorted(state.rejected.map(({ id }) => id))).toEqual(sorted(ids.filter((id) => bad.includes(id))));
        expect(state.failed).toEqual([]);
        expect(calls).toBeLessThanOrEqual(2 * ids.length - 1);
      }),
    );
  });
});

test.each([
  ['none', [], 'not at all', 1],
  ['one', [10], 'by its index', 2],
  ['one', [1], 'by its e-mail address', 2],
  ['two', [3, 8], 'by its index', 3],
  ['all', TEN, 'by its index', 10],
  ['one', [1], 'not at all', 9],
  ['one', [10], 'not at all', 7],
  ['one', [5], 'by an index out of range', 7],
  ['all', TEN, 'not at all', 19],
])('%s bad of ten, %j named %s, takes %i calls', (_, bad, style, calls) => {
  expect(run(TEN, storeWith(bad, STYLES[style] as (typeof STYLES)[string])).calls).toBe(calls);
});

test('whatever a store answers, it ends with everyone in exactly one place', () => {
  const answers = fc.array(
    fc.oneof(
      fc.subarray(TEN).map(ok),
      fc
        .record({ named: fc.array(fc.integer({ min: 0, max: 11 })), emails: fc.subarray(TEN) })
        .map(({ named, emails }) =>
          isolate({
            named: named.map((index) => ({ index, code: 'rejected', message: 'no' })),
            emails: emails.map((id) => emailOf(id).toLowerCase()),
          }),
        ),
      fc.constant(isolate({ code: 'unavailable' })),
    ),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.subarray(TEN, { minLength: 1 }), answers, (ids, said) => {
      const { state, calls } = run(ids, (_, call) => said[call % said.length] as ReturnType<Oracle>);
      const settled = [...state.updated, ...[...state.rejected, ...state.failed].map(({ id }) => id)];
      expect(sorted(settled)).toEqual(sorted(ids));
      expect(calls).toBeLessThanOrEqual(3 * ids.length - 1);
    }),
    { numRuns: 3 * RUNS },
  );
});

test('whoever the store does not answer for is left alone at the end, and all others are settled', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(TEN, { minLength: 1 }), bads, bads, (ids, bad, undigested) => {
      const answer = storeWith(bad, STYLES['not at all'] as (typeof STYLES)[string]);
      let state = start(ids);
      let calls = 0;
      while (state.todo.some((subset) => subset.length > 1 || !subset.every((id) => undigested.includes(id)))) {
        if (++calls > 4 * ids.length) throw new Error('It does not end.');
        const subset = next(state) as number[];
        const isSilent = subset.some((id) => undigested.includes(id));
        state = isSilent ? applySilence(state) : applyAnswer(state, answer(subset, calls), emailOf);
      }
      const settled = [...state.updated, ...state.rejected.map(({ id }) => id)];
      expect(sorted(settled)).toEqual(sorted(ids.filter((id) => !undigested.includes(id))));
    }),
  );
});

test('without customers there is nothing to send, and an answer changes nothing', () => {
  expect(next(start([]))).toBeUndefined();
  expect(applyAnswer(start([]), ok([1]), emailOf)).toEqual(start([]));
});

test('several customers whose answer leaves open what happened are sent again in halves', () => {
  const state = applyAnswer(start([1, 2, 3]), isolate({ code: 'unavailable' }), emailOf);
  expect(state).toMatchObject({ todo: [[1, 2], [3]], missing: [] });
});

test('an address accuses whoever it was sent for, among customers without one', () => {
  const state = applyAnswer(start([1, 2, 3]), isolate({ emails: [emailOf(2).toLowerCase()] }), (id) =>
    id === 2 ? emailOf(id) : undefined,
  );
  expect(state).toMatchObject({ todo: [[1, 3]], rejected: [{ id: 2 }] });
});

test('customers that a success leaves out are sent again singly', () => {
  const sent: number[][] = [];
  const { state } = run([1, 2, 3, 4], (ids, call) => {
    sent.push(ids);
    return ok(call === 1 ? [4, 1, 77] : ids);
  });
  expect(sent).toEqual([[1, 2, 3, 4], [2], [3]]);
  expect(sorted(state.updated)).toEqual([1, 2, 3, 4]);
});

test('a customer that a success leaves out twice counts as failed', () => {
  const { state, calls } = run([1, 2], () => ok([2]));
  expect(state).toMatchObject({ updated: [2], rejected: [], failed: [{ id: 1, code: 'unavailable' }] });
  expect(calls).toBe(2);
});

test('two customers that swap addresses are updated, because each is good without the other', () => {
  const { state } = run(TEN, (ids) =>
    ids.includes(2) && ids.includes(9) ? isolate({ emails: ['x@y.z'], code: 'email_taken' }) : ok(ids),
  );
  expect(sorted(state.updated)).toEqual(sorted(TEN));
});

test('an address that was sent for two customers accuses neither', () => {
  const both = applyAnswer(start([1, 2]), isolate({ emails: ['same@example.com'] }), () => 'Same@example.com');
  expect(both.todo).toEqual([[1], [2]]);
});

test('customers named together are rejected together, each with the first complaint about it', () => {
  const named = [
    { index: 2, code: 'unknown_id' as const, message: 'a' },
    { index: 0, code: 'rejected' as const, message: 'b' },
    { index: 2, code: 'rejected' as const, message: 'c' },
  ];
  const state = applyAnswer(start([7, 8, 9]), isolate({ named }), emailOf);
  expect(state.todo).toEqual([[8]]);
  expect(state.rejected).toHaveLength(2);
  expect(state.rejected).toContainEqual({ id: 9, code: 'unknown_id', message: 'a' });
  expect(state.rejected).toContainEqual({ id: 7, code: 'rejected', message: 'b' });
});

test('a single customer whose answer leaves open what happened is sent once more, and never rejected', () => {
  const open = isolate({ code: 'unavailable', message: '207' });
  expect(run([7], (ids, call) => (call === 1 ? open : ok(ids)))).toMatchObject({ state: { updated: [7] }, calls: 2 });
  const { state, calls } = run([7], () => open);
  expect(state).toMatchObject({ updated: [], rejected: [], failed: [{ id: 7, code: 'unavailable' }] });
  expect(calls).toBe(2);
});

test('the state contains no e-mail address', () => {
  const { state } = run(TEN, storeWith([4, 6], STYLES['by its e-mail address'] as (typeof STYLES)[string]));
  expect(JSON.stringify(state)).not.toContain('@');
});
