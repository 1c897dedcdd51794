import fc from 'fast-check';
import { BadSource, MAX_RECORD } from '../../../src/jobs/sources/record.ts';
import { jsonRecords } from '../../../src/jobs/sources/json.ts';
import { textOf } from '../../../src/jobs/sources/text.ts';
import { cpuTimer } from '../../support/cpu.ts';
import { RUNS } from '../../support/fuzz.ts';
import { inPieces, readAll } from '../support.ts';

const read = async (content: string | Uint8Array, size?: number, notes: string[] = []) =>
  readAll(jsonRecords(textOf(inPieces(content, size)), (note) => notes.push(note)));

const values = async (content: string | Uint8Array, size?: number) =>
  (await read(content, size)).map(({ value, problem }) => problem?.message ?? value);

const [one, two, three] = [
  { id: 1, notes: 'a\n"[{' },
  { id: 2, form_fields: [{ name: 'x', value: ['{'] }] },
  { id: 3 },
];
const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()));
const size = fc.integer({ min: 1, max: 40 });

/** As JSON and UTF-8 have them, without objects that stand for a list. */
const written = (list: unknown[]) =>
  JSON.parse(Buffer.from(JSON.stringify(list)).toString()) as Record<string, unknown>[];
const isRecord = (value: Record<string, unknown>) =>
  Object.keys(value).length > 0 && !['data', 'customers'].some((key) => typeof value[key] === 'object');

test('gives every object of any file, however it is laid out and wherever its pieces end', async () => {
  const layouts: ((list: unknown[]) => string)[] = [
    (list) => list.map((value) => `${JSON.stringify(value)}\n`).join(''),
    (list) => list.map((value) => `${JSON.stringify(value)}\r\n \n`).join('\r\n'),
    (list) => list.map((value) => `${JSON.stringify(value, null, 2)}\n`).join(''),
    (list) => list.map((value) => JSON.stringify(value)).join(',\n'),
    (list) => JSON.stringify(list),
    (list) => JSON.stringify(list, null, '\t'),
    (list) => `${JSON.stringify(list.slice(0, 2))}\n${JSON.stringify(list.slice(2))}`,
    (list) => JSON.stringify({ data: list, meta: {} }),
    (list) => JSON.stringify({ meta: { list: [] }, customers: list }, null, 2),
  ];
  await fc.assert(
    fc.asyncProperty(objects, size, fc.constantFrom(...layouts), async (list, piece, layout) => {
      const expected = written(list).filter(isRecord);
      expect(await values(layout(expected), piece)).toEqual(expected);
    }),
    { numRuns: RUNS },
  );
});

test.each([
  ['an empty file', ''],
  ['blanks only', ' \r\n\t'],
  ['an empty list', ' [ ]\n'],
  ['a byte order mark and a list', '\uFEFF[]'],
  ['an answer without customers', '{"data":[],"meta":{}}'],
])('finds no record in %s', async (_, file) => {
  expect(await read(file)).toEqual([]);
});

test('says in which line a record begins', async () => {
  const list = await read(`[\n${JSON.stringify(one)},\n\n${JSON.stringify(two, null, 2)}, ${JSON.stringify(three)}]`);
  expect(list.map(({ row, line }) => [row, line])).toEqual([
    [1, 2],
    [2, 4],
    [3, 14],
  ]);
  const lines = await read('{"id":1}\n\n{"id":2}\n');
  expect(lines.map(({ row, line }) => [row, line])).toEqual([
    [1, 1],
    [2, 3],
  ]);
});

test('an answer that is one page of several says so', async () => {
  const notes: string[] = [];
  const pagination = { current_page: 1, total_pages: 4 };
  expect(await read(JSON.stringify({ data: [one], meta: { pagination } }), 5, notes)).toHaveLength(1);
  expect(notes).toEqual(['The file is page 1 of 4 of an answer.']);
});

describe('an object a line', () => {
  test('a line that is not JSON costs itself, also if it is the first', async () => {
    const wrong = expect.stringMatching(/^Expected one JSON object on line \d, got text that is not JSON\.$/);
    expect(await values('{"email":"bob@example.com",}\n{"id":1}\n{"id":2\n{"id":3}')).toEqual([
      wrong,
      { id: 1 },
      wrong,
      { id: 3 },
    ]);
  });

  test.each([
    ['a list', '[{"id":2},{"id":3}]'],
    ['an answer of the API', '{"data":[{"id":2},{"id":3}],"meta":{}}'],
    ['a file', '{"customers":[{"id":2}]},'],
  ])('%s put after them on one line is refused: it holds more customers than one', async (_, line) => {
    await expect(read(`{"id":1}\n${line}\n`)).rejects.toThrow(
      'Line 2 is a list, but the file begins with an object a line',
    );
  });

  test('a longer line than any customer costs itself', async () => {
    const ofLength = (length: number) => `{"notes":"${'x'.repeat(length - 12)}"}`;
    const file = ['{"id":1}', ofLength(MAX_RECORD), ofLength(MAX_RECORD + 1), ofLength(3_000_000), '{"id":4}'].join(
      '\n',
    );
    expect((await read(file, 100_000)).map(({ problem }) => problem?.message)).toEqual([
      undefined,
      undefined,
      'Expected a record of at most 1048576 characters, got 1048577.',
      'Expected a record of at most 1048576 characters, got 3000000.',
      undefined,
    ]);
  });

  test.each([1_100_000, 3_000_000])(
    'also if it is the first, of %j characters, unless it is all there is',
    async (length) => {
      const long = `{"notes":"${'x'.repeat(length)}"}`;
      const records = await read(`${long}\n{"id":2}\nno JSON\n{"id":4}`, 100_000);
      const codes = [undefined, 'invalid_field', undefined];
      expect(records.map(({ problem }) => problem?.code)).toEqual(['invalid_field', ...codes]);
      expect(records.map(({ row, line }) => [row, line])).toEqual([1, 2, 3, 4].map((line) => [line, line]));
      await expect(read(long, 100_000)).rejects.toThrow('The file is one object of more than 1048576 characters.');
    },
  );

  test('a long first line that is a list is read as one', async () => {
    const list = Array.from({ length: 3_000 }, (_, index) => ({ id: index + 1, notes: 'x'.repeat(800) }));
    for (const file of [{ data: list, meta: {} }, list]) {
      expect(await read(JSON.stringify(file), 100_000)).toHaveLength(3_000);
    }
    expect(await read(list.map((one) => JSON.stringify(one)).join(' '), 100_000)).toHaveLength(3_000);
  });

  test('a value over several lines among them stops the file', async () => {
    for (const file of ['{"id":1}\n{\n"id": 2\n}\n', '{"id":1}\n[\n{"id":2}\n]\n']) {
      await expect(read(file)).rejects.toThrow('Line 2 is part of a value that goes over several lines');
    }
  });
});

test.each([
  ['"bob@example.com"', 'in line 1, after 0 objects, expected an object or a list, got something else'],
  ['[{"id":1},', 'in line 1, after 1 objects, expected an object, got the end of the file'],
  ['[{"id":1},\n]', 'in line 2, after 1 objects, expected an object, got something else'],
  ['[{"id":1} {"id":2}]', 'expected a comma or the end of the list, got something else'],
  ['[{"id":1}, 2]', 'after 1 objects, expected an object, got something else'],
  ['[{"id":1}', 'expected a comma or the end of the list, got the end of the file'],
  ['[{"id":1},{"email":"bob@exam', 'after 1 objects, expected the rest of an object, got the end of'],
  ['[{"id":1},{"email":bob@example.com}]', 'expected an object, got one that is not JSON'],
  ['[{"id":[1}]]', 'after 0 objects, expected an object, got one that is not JSON'],
  ['[{"id":1}] x', 'expected an object or a list, got something else'],
  ['[[]]', 'expected an object or the end of the list, got something else'],
  ['{\n"id": 1,\n}', 'expected an object, got one that is not JSON'],
  ['{"data":[{"id":1}],"customers":[]}', 'expected one list of customers'],
  ['{"id":5,"data":[{"id":1}]}', 'expected one list of customers'],
  ['{"data":{"customers":[{"id":1}]}}', 'expected one list of customers'],
  ['id,notes\n1,a\n', 'expected an object or a list, got something else'],
])('refuses %j as a whole, without quoting it', async (file, message) => {
  for (const piece of [1, 3, 100]) {
    const records = read(file, piece);
    await expect(records).rejects.toThrow(BadSource);
    await expect(records).rejects.toThrow(message);
    await expect(records).rejects.not.toThrow('example.com');
  }
});

test('an object of a list that is too long costs itself', async () => {
  const long = `{"notes":"${'x'.repeat(MAX_RECORD)}"}`;
  const records = await read(`[{"id":1},${long},{"id":3}]`, 100_000);
  expect(records.map(({ problem }) => problem?.code)).toEqual([undefined, 'invalid_field', undefined]);
});

test('a megabyte of blank lines before the first customer costs linear time', async () => {
  const cpuMs = cpuTimer();
  expect(await values(`${'\n'.repeat(1_000_000)}{"id":1}\n`, 1024)).toEqual([{ id: 1 }]);
  expect(cpuMs()).toBeLessThan(5_000);
});
