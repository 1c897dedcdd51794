import { findHeading, showsHeading } from '../../../src/jobs/sources/heading.ts';
import { MAX_RECORD } from '../../../src/jobs/sources/record.ts';

const KEYS = ['id', 'email'];
const known = {
  isKey: (heading: string) => KEYS.includes(heading),
  isKnown: (heading: string) => [...KEYS, 'notes', 'phone'].includes(heading),
};
const find = (start: string) => findHeading(start, known);
const titles = (count: number) => 'Customers\n'.repeat(count);

test('says what the headings are, and where the rows begin', () => {
  expect(find('id, notes \n1,a\n')).toEqual({
    ...{ delimiter: ',', lineEnd: '\n', headings: ['id', 'notes'] },
    ...{ length: 'id, notes \n'.length, lines: 1, titles: [] },
  });
});

describe('the delimiter', () => {
  test.each([',', ';', '\t', '|'])('%j is found', (delimiter) => {
    expect(find(`id${delimiter}notes\n1${delimiter}a\n`)).toMatchObject({ delimiter, headings: ['id', 'notes'] });
  });

  test.each<[string, string, string]>([
    ['finds more headings that are known', 'id;notes;a,b,c,d,e\n1,2,3,4,5\n', ';'],
    ['is in more of the first rows, if the headings do not tell', 'id;x,id\n1;2\n3;4\n5,6\n', ';'],
    ['makes more headings, if nothing else tells', 'a;b;c,d\n', ';'],
    ['comes first, if not even that does', 'a,b;c\n', ','],
  ])('is the one that %s', (_, start, delimiter) => {
    expect(find(start)?.delimiter).toBe(delimiter);
  });

  test('is told by the first ten rows only', () => {
    const rows = '1,2\n'.repeat(4) + '1;2\n'.repeat(6) + '1,2\n'.repeat(20);
    expect(find(`id;x,id\n${rows}`)?.delimiter).toBe(';');
  });

  test.each(['sep=#', '"sep=#"', 'SEP=#', 'sep=#;;;', '"sep=#",'])('is what %j says', (line) => {
    for (const end of ['\n', '\r\n']) {
      const found = find(`${line}${end}id#notes${end}1#a${end}`);
      expect(found).toMatchObject({ delimiter: '#', headings: ['id', 'notes'], lines: 2, titles: [] });
    }
  });

  test.each(['my sep=#', 'sep=##', 'sep=#x'])('is not what %j says', (line) => {
    expect(find(`${line}\nid#notes\n1#a\n`)?.delimiter).toBe(',');
  });
});

test('an open quote in a row, and any number of short rows after it, hide no headings', () => {
  const rows = '2,a\n'.repeat(20_000);
  expect(find(`id,notes\n1,"Bob" prefers mail\n${rows}`)).toMatchObject({ delimiter: ',', headings: ['id', 'notes'] });
});

test.each<[string, string, string]>([
  ['line feeds', 'id,notes\r\n1,a\r\n', '\n'],
  ['carriage returns', 'id,notes\r1,a\r', '\r'],
  ['carriage returns, and a quoted line feed', 'id,notes\r1,"a\nb"\r', '\r'],
  ['carriage returns, and a line feed in a quote that does not end yet', 'id,notes\r1,"a\nb', '\r'],
  ['none', 'id,notes', '\n'],
])('lines may end in %s', (_, start, lineEnd) => {
  expect(find(start)).toMatchObject({ lineEnd, headings: ['id', 'notes'] });
});

describe('above the headings', () => {
  test('there may be blank lines and up to nineteen titles', () => {
    expect(find('\n\nid,notes\n1,a\n')).toMatchObject({ headings: ['id', 'notes'], lines: 3, titles: [] });
    expect(find(`${titles(19)}id,notes\n1,a\n`)).toMatchObject({ headings: ['id', 'notes'], lines: 20 });
    expect(find(`${titles(20)}id,notes\n1,a\n`)).toMatchObject({ headings: ['Customers'], lines: 1 });
  });

  test.each([
    'Customers',
    'No7',
    '7 of 9',
    '12345678901',
    'from ann@example.com',
    'ann@example@com',
    'notes,phone',
    'id',
  ])('%j is a title', (title) => {
    expect(find(`${title}\nid,notes\n1,a\n`)).toMatchObject({ headings: ['id', 'notes'], lines: 2, titles: [1] });
  });

  test.each(['1234567890,x', 'x, 7 ', 'ann@example.com,x', 'x, ann@example.com '])('%j is taken for a row', (row) => {
    expect(() => find(`${row}\nid,notes\n1,a\n`)).toThrow('got them in line 2, below line 1, which looks like a row.');
  });
});

test('there are none in blank lines, in a line that is too long, and in one with a stray quote', () => {
  expect(find('\n \n')).toBeUndefined();
  expect(() => find('x'.repeat(MAX_RECORD + 1))).toThrow('lines of at most 1,048,576 characters, got more in line 1');
  expect(() => find('id,no"tes\n')).toThrow('Expected headings: line 1 has a stray quote');
});

const SAMPLE = 64 * 1024;

test.each<[boolean, string, string]>([
  [true, '64 Ki characters with a line end', `id\n${'x'.repeat(SAMPLE - 3)}`],
  [false, 'one character less', `id\n${'x'.repeat(SAMPLE - 4)}`],
  [false, 'a line end in a quote that does not end yet', `id,"\n${'x'.repeat(SAMPLE)}`],
  [false, 'a mebibyte without a line end', 'x'.repeat(MAX_RECORD)],
  [true, 'more than a mebibyte', 'x'.repeat(MAX_RECORD + 1)],
])('%s: a start shows the headings with %s', (shows, _, start) => {
  expect(showsHeading(start)).toBe(shows);
});
