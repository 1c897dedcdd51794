/** The parts of rows with attribute values: what is sent call by call, and which of it a store does not take. */
import fc from 'fast-check';
import type { Isolate, Taken } from '../../src/bigcommerce/answer.ts';
import {
  applyAnswer,
  applySilence,
  type IsolationState,
  next,
  start,
  takesTens,
} from '../../src/bigcommerce/isolate.ts';
import {
  attributeIn,
  customerIn,
  fatesOf,
  fieldsBody,
  hasAttributes,
  inCalls,
  isValue,
  type Part,
  partsOf,
  rowsIn,
  type SentRow,
  valuesBody,
} from '../../src/bigcommerce/parts.ts';

type Answer = Taken<Part[]> | Isolate;

const ok = (parts: Part[]): Answer => ({ kind: 'ok', body: parts });
const no = (about: Partial<Isolate> = {}): Answer => ({
  ...{ kind: 'isolate', named: [], emails: [], code: 'rejected', message: 'no' },
  ...about,
});
const by = (index: number, code: Isolate['code'] = 'rejected') =>
  no({ named: [{ index, code, message: 'named' }], code });

/** Sends until all is settled, with the state going through JSON each time, as it does in a heartbeat. */
function run(rows: SentRow[], answer: (parts: Part[]) => Answer, tensOfValues = false) {
  let state: IsolationState<Part> = start(...inCalls(rows, tensOfValues));
  const sent: Part[][] = [];
  for (let subset = next(state); subset; subset = next(state)) {
    if (sent.push(subset) > 3 * rows.flatMap(partsOf).length) throw new Error('It does not end.');
    expect(new Set(subset.map((part) => [isValue(part), isValue(part, 'set')].join(' '))).size).toBe(1);
    state = JSON.parse(JSON.stringify(applyAnswer(state, answer(subset), () => undefined))) as IsolationState<Part>;
  }
  return { state, sent, fates: fatesOf(state, rows) };
}

/** A store that accepts a call if all of its parts are good, and names the first that is not, or nothing. */
const storeWith =
  (bad: (part: Part) => boolean, isNaming: boolean, most = Infinity) =>
  (parts: Part[]): Answer => {
    const index = parts.findIndex(bad);
    if (isValue(parts[0] as Part, 'set') && parts.length > most) return no();
    if (index < 0) return ok(parts);
    return isNaming ? by(index) : no();
  };

const rows: fc.Arbitrary<SentRow[]> = fc.uniqueArray(
  fc.record(
    {
      id: fc.integer({ min: 1, max: 0x7fff_fffe }),
      notes: fc.constant('n'),
      attributes: fc.dictionary(
        fc.integer({ min: 1, max: 60 }).map(String),
        fc.option(fc.constantFrom('secret', ''), { nil: null }),
        { maxKeys: 6 },
      ),
    },
    { requiredKeys: ['id'] },
  ),
  { selector: ({ id }) => id, minLength: 1, maxLength: 10 },
);

const full = (customers: number, attributes: number): SentRow[] =>
  Array.from({ length: customers }, (_, c) => ({
    id: c + 1,
    notes: 'n',
    attributes: Object.fromEntries(Array.from({ length: attributes }, (_, a) => [a + 1, `v${a}`])),
  }));

describe('what is sent', () => {
  test('is first the fields, then values to set, then values to remove', () => {
    const some: SentRow[] = [
      { id: 7, notes: 'n', attributes: { 3: 'x', 12: null } } as SentRow,
      { id: 8, attributes: { 3: null, 4: '' } },
      { id: 9, notes: 'only fields' } as SentRow,
    ];
    expect(inCalls(some, false)).toEqual([
      [7, 9],
      ['7:3', '8:4'],
      ['7:-12', '8:-3'],
    ]);
    expect(fieldsBody(some.slice(0, 1))).toBe('[{"id":7,"notes":"n"}]');
    expect(JSON.parse(valuesBody(some, ['7:3', '8:4']))).toEqual([
      { customer_id: 7, attribute_id: 3, value: 'x' },
      { customer_id: 8, attribute_id: 4, value: '' },
    ]);
  });

  test('is all values of ten customers in one call, or ten values a call', () => {
    const sizes = (tens: boolean) => inCalls(full(10, 3), tens).map(({ length }) => length);
    expect(sizes(false)).toEqual([10, 30]);
    expect(sizes(true)).toEqual([10, 10, 10, 10]);
  });

  test('is removed a hundred at a time at most', () => {
    const many = full(10, 25).map(({ id, attributes = {} }) => ({
      id,
      attributes: Object.fromEntries(Object.keys(attributes).map((key) => [key, null])),
    }));
    expect(inCalls(many, false).map(({ length }) => length)).toEqual([0, 0, 100, 100, 50]);
  });

  test('has attributes only if a row has, whatever its texts say', () => {
    const notes = '"attributes":{ \\"attributes\\":{';
    const form_fields = [{ name: 'attributes', value: '{' }];
    expect(hasAttributes(JSON.stringify([{ id: 1, notes, form_fields }]))).toBe(false);
    expect(hasAttributes(JSON.stringify([{ id: 1, notes, attributes: { 1: 'x' } }]))).toBe(true);
    expect(rowsIn('[{"id":1}]')).toEqual([{ id: 1 }]);
  });
});

describe.each([true, false])('a store that names what is wrong: %s', (isNaming) => {
  test('is sent what is good, whatever is bad, with at most 2n - 1 calls', () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.constantFrom(10, Infinity), (some, seed, most) => {
        const parts = some.flatMap(partsOf);
        const bad = parts.filter((_, index) => (seed >> (index % 30)) % 3 === 1);
        const { state, sent, fates } = run(
          some,
          storeWith((part) => bad.includes(part), isNaming, most),
        );
        expect(sent.length).toBeLessThanOrEqual(2 * parts.length - 1);
        expect(state.failed).toEqual([]);
        for (const row of some) {
          const mine = partsOf(row);
          const refused = mine.filter((part) => bad.includes(part));
          const isOut = refused.some((part) => !isValue(part));
          // No value is sent of a customer whose fields were not taken.
          if (isOut) expect(sent.flat().filter((part) => customerIn(part) === row.id && isValue(part))).toEqual([]);
          else expect(mine.filter((part) => !state.updated.includes(part))).toEqual(refused);
          const rejected = fates.rejected.find(({ id }) => id === row.id);
          if (isOut) expect(rejected).toMatchObject({ code: 'rejected' });
          else if (refused.length === 0) expect(fates.updated).toContain(row.id);
          else {
            expect(rejected?.code).toBe('attributes_rejected');
            expect(new Set(rejected?.attributes)).toEqual(new Set(refused.map(attributeIn)));
          }
        }
        expect(fates.updated.length + fates.rejected.length).toBe(some.length);
      }),
    );
  });
});

test.each([
  ['none', [], true, 2],
  ['one, named', ['3:2'], true, 3],
  ['two, named', ['3:2', '9:1'], true, 4],
  // The fields; twenty values, ten, four, two, each of them, the other two, six, ten.
  ['one, not named', ['1:1'], false, 10],
])(
  '%s bad of twenty values of ten customers, %j, if the store names it: %s, takes %i calls',
  (_, bad, isNaming, calls) => {
    const { sent } = run(
      full(10, 2),
      storeWith((part) => (bad as Part[]).includes(part), isNaming),
    );
    expect(sent).toHaveLength(calls);
  },
);

test('halves are first of customers, then of the attributes of one', () => {
  const { sent } = run(
    full(3, 3),
    storeWith((part) => part === '2:3', false),
  );
  expect(sent.slice(1)).toEqual([
    ['1:1', '1:2', '1:3', '2:1', '2:2', '2:3', '3:1', '3:2', '3:3'],
    ['1:1', '1:2', '1:3', '2:1', '2:2', '2:3'],
    ['1:1', '1:2', '1:3'],
    ['2:1', '2:2', '2:3'],
    ['2:1', '2:2'],
    ['2:3'],
    ['3:1', '3:2', '3:3'],
  ]);
});

describe('more than ten values that are refused, and none is named,', () => {
  const sizes = (sent: Part[][]) => sent.slice(1).map(({ length }) => length);
  const sends = (bad: Part[], isNaming: boolean, most: number) =>
    run(
      full(10, 3),
      storeWith((part) => bad.includes(part), isNaming, most),
    );

  test('are sent in tens: if all are taken, it was for their number', () => {
    const { state, sent, fates } = sends([], false, 10);
    expect(sizes(sent)).toEqual([30, 10, 10, 10]);
    expect([takesTens(state), fates.updated.length]).toEqual([true, 10]);
  });

  test('it was for their number as well if the store names what is wrong in the tens', () => {
    expect(takesTens(sends(['2:1', '5:2'], true, 10).state)).toBe(true);
  });

  test('it may have been for something else if a ten is refused without a name', () => {
    const { state, fates } = sends(['2:1'], false, Infinity);
    expect(takesTens(state)).toBe(false);
    expect(fates.rejected).toMatchObject([{ id: 2, attributes: [1] }]);
  });

  test('nothing is learnt from a store that takes them', () => {
    expect(takesTens(sends([], false, Infinity).state)).toBe(false);
    expect(takesTens(sends(['2:1'], true, Infinity).state)).toBe(false);
    const removed = [{ id: 1, attributes: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [n + 1, null])) }];
    expect(
      takesTens(
        run(
          removed,
          storeWith((part) => part === '1:-3', false),
        ).state,
      ),
    ).toBe(false);
  });
});

test('a customer whom the store does not know is asked about once, and is not one of refused attributes', () => {
  const some: SentRow[] = [
    { id: 1, attributes: { 1: 'a', 2: 'b', 3: null } },
    { id: 2, attributes: { 1: 'a', 3: null } },
  ];
  const { sent, fates } = run(some, (parts) => {
    const index = parts.findIndex((part) => customerIn(part) === 1);
    return index < 0 ? ok(parts) : by(index, 'unknown_id');
  });
  expect(sent).toEqual([['1:1', '1:2', '2:1'], ['2:1'], ['2:-3']]);
  expect(fates).toMatchObject({ updated: [2], rejected: [{ id: 1, code: 'unknown_id' }] });
});

test('whoever the store gives no answer for costs no neighbour, and his values wait for his fields', () => {
  fc.assert(
    fc.property(rows, fc.nat(), (some, seed) => {
      const parts = some.flatMap(partsOf);
      const silent = parts.filter((_, index) => (seed >> (index % 30)) % 3 === 1);
      let state: IsolationState<Part> = start(...inCalls(some, false));
      const answered: Part[] = [];
      for (
        let calls = 0;
        state.todo.some((subset) => subset.length > 1 || !silent.includes(subset[0] as Part));
        calls++
      ) {
        if (calls > 5 * parts.length) break;
        const subset = next(state) as Part[];
        const isSilent = subset.some((part) => silent.includes(part));
        for (const part of subset.filter((part) => isValue(part))) {
          const fields = customerIn(part);
          expect(parts.includes(fields) && !answered.includes(fields)).toBe(false);
        }
        if (!isSilent) answered.push(...subset);
        state = isSilent ? applySilence(state) : applyAnswer(state, ok(subset), () => undefined);
      }
      const waits = (part: Part) => isValue(part) && silent.includes(customerIn(part));
      expect(new Set(state.updated)).toEqual(new Set(parts.filter((part) => !silent.includes(part) && !waits(part))));
      expect(fatesOf(state, some).failed).toEqual([]);
      const done = some.filter((row) => !partsOf(row).some((part) => silent.includes(part))).map(({ id }) => id);
      expect(fatesOf(state, some).updated).toEqual(done);
    }),
  );
});

test('a value that a success leaves out twice is unknown, and so is its customer, whatever else was refused of him', () => {
  const { fates } = run(full(1, 3), (parts) => {
    const index = parts.indexOf('1:1');
    return index >= 0 ? by(index) : ok(parts.filter((part) => part !== '1:2'));
  });
  expect(fates).toMatchObject({ updated: [], rejected: [], failed: [{ id: 1, code: 'unavailable' }] });
  expect(fates.failed[0]?.message).toMatch(/never confirmed this value/);
});

test('the state holds no value', () => {
  const { state } = run(
    full(10, 3),
    storeWith((part) => part === '4:2', false, 10),
  );
  expect(JSON.stringify(state)).not.toMatch(/v\d/);
});
