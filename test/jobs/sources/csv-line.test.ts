import { type Reading, readLine } from '../../../src/jobs/sources/csv-line.ts';

const reading = (cells: string[], more: Partial<Reading> = {}): Reading => ({
  ...{ cells, stray: false, open: false, lineBreak: false },
  ...more,
});

test.each<[string, Reading]>([
  ['a,b', reading(['a', 'b'])],
  ['a,', reading(['a', ''])],
  ['"a",', reading(['a', ''])],
  [',"a"', reading(['', 'a'])],
  ['"a,b",c', reading(['a,b', 'c'])],
  ['"a""b",c', reading(['a"b', 'c'])],
  [' "a" , b', reading(['a', ' b'])],
  ['\t"a"\t,b', reading(['a', 'b'])],
  ['a,"b', reading(['a', 'b'], { open: true })],
  ['a\rb,c', reading(['a\rb', 'c'], { lineBreak: true })],
  ['a\rb,"c"', reading(['a\rb', 'c'], { lineBreak: true })],
  ['"a\rb",c', reading(['a\rb', 'c'])],
  ['5" pipe,c', reading(['5" pipe', 'c'], { stray: true })],
  ['"a" b",c', reading(['a" b', 'c'], { stray: true })],
])('reads %j', (text, expected) => {
  expect(readLine(text, ',', false)).toEqual(expected);
});

test('reads on inside of a quoted cell', () => {
  expect(readLine('b",c', ',', true)).toEqual(reading(['b', 'c']));
  expect(readLine('b', ',', true)).toEqual(reading(['b'], { open: true }));
});

test('a tab that parts cells is no blank', () => {
  expect(readLine('a\t"b"\t\t"c"', '\t', false)).toEqual(reading(['a', 'b', '', 'c']));
});

describe('a formula that keeps a text from being read as a number', () => {
  test.each(['="0173"', '=""', '="0,5"', ' ="0173"', '="0173" ', '="0173"\t'])('is the cell %j', (formula) => {
    expect(readLine(`${formula},c`, ',', false)).toEqual(reading([formula, 'c']));
    expect(readLine(`a,${formula}`, ',', false)).toEqual(reading(['a', formula]));
  });

  test.each(['x="0173"', '="0173"x', '="0173', '=0"173"', '=x"0173"'])('is not %j', (text) => {
    expect(readLine(`${text},c`, ',', false)).toEqual(reading([text, 'c'], { stray: true }));
    expect(readLine(text, ',', false)).toEqual(reading([text], { stray: true }));
  });
});
