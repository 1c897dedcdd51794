import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { CsvReader, type CsvRow } from '../../../src/jobs/sources/csv-reader.ts';
import { FUZZ_MS, RUNS } from '../../support/fuzz.ts';

interface File {
  width: number;
  delimiter?: string;
  lineEnd?: '\n' | '\r';
  trustQuotes?: boolean;
  size?: number;
}

const hasKey = ([id]: readonly string[]): boolean => /^\s*\d+\s*$/.test(id ?? '');

/** The records of a file without its headings, read in pieces of `size`. */
function read(text: string, { size = text.length, delimiter = ',', lineEnd = '\n', ...layout }: File) {
  const { width: ownWidth } = layout;
  const reader = new CsvReader({ delimiter, lineEnd, hasKey, ownWidth, linesBefore: 0, trustQuotes: false, ...layout });
  const rows: CsvRow[] = [];
  for (let at = 0; at < text.length; at += size) rows.push(...reader.push(text.slice(at, at + size)));
  rows.push(...reader.end());
  return { rows, blank: reader.blank };
}

const told = ({ line, lines, cells, problem }: CsvRow): unknown =>
  problem === undefined ? cells : `${line}${lines > 1 ? `-${line + lines - 1}` : ''} ${problem}`;

const STRAY = expect.stringMatching(/^\d+ has a stray quote/);
const opener = (line: number) => expect.stringMatching(new RegExp(`^${line} opens a quote that is not closed`));
const behind = (line: number, opened: number) =>
  expect.stringMatching(new RegExp(`^${line} may lie inside the cell that line ${opened} opens`));

test.each<[string, string, number, unknown[]]>([
  ['a cell that is quoted whole', '1,"a,""b"""\n', 2, [['1', 'a,"b"']]],
  ['blanks around a quoted cell', '1, "a, b" ,c\n', 3, [['1', 'a, b', 'c']]],
  [
    'a note over several lines',
    '1,"a\r\nb"\n2,c\n',
    2,
    [
      ['1', 'a\r\nb'],
      ['2', 'c'],
    ],
  ],
  ['a stray quote', '1,5" pipe\n2,b\n', 2, [STRAY, ['2', 'b']]],
  [
    'a text that begins with a quoted word',
    `1,"Bob" prefers mail\n${rows(2, 300)}`,
    2,
    [opener(1), ...Array.from({ length: 299 }, (_, at) => [String(at + 2), 'x'])],
  ],
  ['an open quote before rows only', '1,"a\n2,b\n3,c\n', 2, [opener(1), ['2', 'b'], ['3', 'c']]],
  [
    'a quote that is closed two rows later',
    '401,"tall\n402,b\n403,"\n404,d\n',
    2,
    [expect.stringMatching(/^1-3 has a quoted cell that runs from line 1 to line 3/), ['404', 'd']],
  ],
  [
    'a note with a line like a row, in a wide file',
    '1,Ann,"hi\n12,a,b,c,d\nbye",x,y\n',
    5,
    [['1', 'Ann', 'hi\n12,a,b,c,d\nbye', 'x', 'y']],
  ],
  [
    'an address with a stray quote in it',
    '261,"Lives at\n12,Main Street\n5" door, Leeds"\n4,d\n',
    2,
    [opener(1), behind(2, 1), behind(3, 1), ['4', 'd']],
  ],
  [
    'a stray quote before an address on the same line',
    '261,5" pipe,"Lives at\n12,Main Street,x\nLeeds"\n4,d,e\n',
    3,
    [opener(1), behind(2, 1), behind(3, 1), ['4', 'd', 'e']],
  ],
  [
    'a carriage return in a cell',
    '1,foo\rbar\n2,b\n',
    2,
    [expect.stringMatching(/^1 has a carriage return/), ['2', 'b']],
  ],
  [
    'a last line without an end',
    '1,a\n2,b',
    2,
    [
      ['1', 'a'],
      ['2', 'b'],
    ],
  ],
  [
    'many carriage returns at the end of a line',
    '1,a\r\r\n2,b\r\r\n',
    2,
    [
      ['1', 'a'],
      ['2', 'b'],
    ],
  ],
])('reads %s', (_, text, width, expected) => {
  for (const size of [1, 7, 10_000]) expect(read(text, { width, size }).rows.map(told)).toEqual(expected);
});

/** Rows of an id and a text. */
function rows(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, at) => `${from + at},x\n`).join('');
}

test('reads a cell that seems to have swallowed rows as it is if its quotes are trusted', () => {
  expect(read('401,"tall\n402,b\n403,"\n', { width: 2, trustQuotes: true }).rows.map(told)).toEqual([
    ['401', 'tall\n402,b\n403,'],
  ]);
});

test('rows that are cut short do not keep an open quote from ending', () => {
  const ragged = Array.from({ length: 4000 }, (_, at) => (at % 15 === 0 ? `${at + 2},x\n` : `${at + 2},x,y\n`));
  const { rows: found } = read(`1,"Bob" prefers mail,x\n${ragged.join('')}`, { width: 3 });
  expect(found).toHaveLength(4001);
  expect(found.filter(({ problem }) => problem !== undefined)).toHaveLength(1);
});

test('stops at a quote behind which a thousand lines could be anything', () => {
  const text = `7,"open\n${'not a row\n'.repeat(12_000)}`;
  expect(() => read(text, { width: 2 })).toThrow(/^Line 1 opens a quote .* more than 1000 lines after it/);
});

describe('any file', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '"', ',', '\n', 'é') });
  const delimiter = fc.constantFrom(',', ';', '\t', '|');
  const size = fc.integer({ min: 1, max: 40 });

  test(
    'that is well formed is read as csv-parse reads it',
    () => {
      const table = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1 });
      fc.assert(
        fc.property(table, delimiter, fc.constantFrom('\n', '\r\n'), size, (cells, comma, end, piece) => {
          const file = stringify(cells, { delimiter: comma, record_delimiter: end, quoted_match: /[\r\n]/ });
          const reference = parse(file, { delimiter: comma, record_delimiter: ['\r\n', '\n'], skip_empty_lines: true });
          const found = read(file, { width: 3, delimiter: comma, trustQuotes: true, size: piece });
          expect(found.rows.find((row) => row.problem !== undefined)).toBeUndefined();
          // A line of delimiters only is a blank one to those who read the rows, here and there.
          const notBlank = (list: string[]) => list.some((text) => text.trim() !== '');
          expect(found.rows.map((row) => row.cells).filter(notBlank)).toEqual(reference.filter(notBlank));
        }),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );

  // Pieces of files, in any order: quotes, line ends and delimiters come anywhere.
  const piece = fc.constantFrom(
    '"',
    '""',
    '\n',
    '\r\n',
    '\r',
    ',',
    '1',
    '22,',
    'a',
    '3,b\n',
    '4,"c\n',
    '5,"d"\n',
    ' ',
    '6,x,y\n',
  );
  const anything = fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join(''));

  test(
    'whatever is in it: each line is in one record or blank, in order, and pieces of any size give the same',
    () => {
      fc.assert(
        fc.property(anything, fc.integer({ min: 2, max: 3 }), size, (text, width, one) => {
          const { rows: found, blank } = read(text, { width });
          expect(found.reduce((sum, { length }) => sum + length, blank)).toBe(text.length);
          const lines = text.split('\n');
          if (lines.at(-1) === '') lines.pop();
          const taken = new Set<number>();
          for (const row of found) {
            for (let line = row.line; line < row.line + row.lines; line++) {
              expect(taken.has(line)).toBe(false);
              taken.add(line);
            }
            const raw = lines.slice(row.line - 1, row.line - 1 + row.lines).join('\n');
            expect([raw.length, raw.length + 1]).toContain(row.length);
            if (row.problem !== undefined && !row.problem.startsWith('has a quoted cell')) expect(row.lines).toBe(1);
          }
          expect(found.map(({ line }) => line)).toEqual(
            [...taken].sort((a, b) => a - b).filter((at) => found.some(({ line }) => line === at)),
          );
          for (const [index, line] of lines.entries()) {
            if (!taken.has(index + 1)) expect(line.trim()).toBe('');
          }
          expect(read(text, { width, size: one }).rows).toEqual(found);
        }),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );

  /** Rows of ids and short texts, and notes of several lines that look like rows. */
  const ordinary = fc.record({ note: fc.constant(false), text: fc.constantFrom('a', 'bc', 'd e', '') });
  const note = fc.record({
    note: fc.constant(true),
    text: fc.constantFrom('Lives at\n12,Main Street\nLeeds', 'x\n\n99,y', '7,a\n8,b'),
  });
  const list = fc.array(fc.oneof({ weight: 5, arbitrary: ordinary }, { weight: 1, arbitrary: note }), {
    minLength: 3,
    maxLength: 40,
  });

  test(
    'with quotes put into rows: rows that no quote touches are read as they are, and no line of a note is sent',
    () => {
      const place = fc.record({ row: fc.nat(), at: fc.nat() });
      fc.assert(
        fc.property(
          list,
          fc.integer({ min: 2, max: 5 }),
          fc.array(place, { maxLength: 3 }),
          (entries, width, places) => {
            const filler = ',z'.repeat(width - 2);
            const records = entries.map(
              ({ note: isNote, text }, at) => `${1000 + at},${isNote ? `"${text}"` : text}${filler}\n`,
            );
            const touched = new Set<number>();
            for (const { row, at } of places) {
              const index = row % records.length;
              if (entries[index]?.note) continue;
              touched.add(index);
              const raw = records[index] as string;
              const cut = at % raw.length;
              records[index] = `${raw.slice(0, cut)}"${raw.slice(cut)}`;
            }
            const { rows: found } = read(records.join(''), { width, size: 11 });
            const sent = found.filter(({ cells, problem }) => problem === undefined && hasKey(cells));
            for (const { cells } of sent) expect(Number(cells[0])).toBeGreaterThanOrEqual(1000);
            const first = Math.min(...touched);
            const isRead = (at: number) => sent.some(({ cells }) => cells[0] === String(1000 + at));
            // What is ambiguous by itself is held, whatever else is in the file.
            const isClear = (at: number) => !entries[at]?.note;
            for (let at = 0; at < Math.min(first, entries.length); at++) if (isClear(at)) expect(isRead(at)).toBe(true);
            if (entries.some((entry) => entry.note) || touched.size > 1) return;
            for (let at = first + 1; at < entries.length; at++) expect(isRead(at)).toBe(true);
          },
        ),
        { numRuns: RUNS },
      );
    },
    FUZZ_MS,
  );
});
