import { moneyIn, numbersIn, textsIn, yesOrNoIn } from '../../src/jobs/cells.ts';

test.each<[cell: string, amount: number, currency: string]>([
  ['12', 12, ''],
  ['12.5', 12.5, ''],
  ['12.50', 12.5, ''],
  ['0', 0, ''],
  ['0.125', 0.125, ''],
  ['-3', -3, ''],
  ['+3', 3, ''],
  ['1,234.50', 1234.5, ''],
  ['1,234,567', 1_234_567, ''],
  ['1,234,567.8', 1_234_567.8, ''],
  ['1.234,50', 1234.5, ''],
  ['1.234.567', 1_234_567, ''],
  ['1 234.50', 1234.5, ''],
  ['1\u00A0234\u00A0567', 1_234_567, ''],
  ['1\u202F234', 1234, ''],
  ['$1,234.50', 1234.5, '$'],
  ['$ 5', 5, '$'],
  ['-$5', -5, '$'],
  ['$-5', -5, '$'],
  ['5 €', 5, '€'],
  ['1.234,50\u00A0€', 1234.5, '€'],
  ['£0.99', 0.99, '£'],
  ['¥1000', 1000, '¥'],
  ['USD 12.50', 12.5, 'USD'],
  ['12.50EUR', 12.5, 'EUR'],
])('%j is an amount', (cell, amount, currency) => {
  expect(moneyIn(cell)).toEqual({ amount, currency: currency || undefined });
});

test.each([
  ['1.234'],
  ['1,234'],
  ['$1,234'],
  ['12,50'],
  ['1,5'],
  ['1 234,50'],
  ['1,23,456'],
  ['1,2345'],
  ['12345,678.90'],
  ['1,234.567'],
  ['1.234.56'],
  ['12.345'],
  ['01.234,50'],
  ['12 50'],
  ['12345 678'],
  ['(5.00)'],
  ['5-'],
  ['--5'],
  ['-$-5'],
  ['5%'],
  ['1e3'],
  ['1E+05'],
  ['$'],
  ['$5 USD'],
  ['usd 5'],
  ['kr 5'],
  ['US$5'],
  ['₿5'],
  ['.5'],
  ['5.'],
  ['five'],
  ['12.50 or so'],
  ['Infinity'],
  ['1234567890123456'],
  [`${' '.repeat(1_000_000)}5`],
])('%.20j is no amount, or might be two', (cell) => {
  expect(moneyIn(cell)).toBeUndefined();
});

test.each(['Y', 'y', 'Yes', 'TRUE', 'true', '1', 'on', 'ON', '1.0', ' yes '])('%j is yes', (cell) => {
  expect(yesOrNoIn(cell)).toBe(true);
});

test.each(['N', 'n', 'No', 'FALSE', 'false', '0', 'off', 'Off', '0.0'])('%j is no', (cell) => {
  expect(yesOrNoIn(cell)).toBe(false);
});

test.each(['t', 'f', 'x', 'VRAI', 'ja', 'si', '2', '-1', '1.00', 'yes!', 'y/n', 'subscribed', 'constructor'])(
  '%j is neither yes nor no: it is about consent',
  (cell) => {
    expect(yesOrNoIn(cell)).toBeUndefined();
  },
);

test.each<[string, unknown]>([
  ['1', [1]],
  ['1,2', [1, 2]],
  ['1, 2 ,3', [1, 2, 3]],
  ['[1,2]', [1, 2]],
  ['[]', []],
  ['1.0,2.0', [1, 2]],
  ['1,2,', undefined],
  ['1;2', undefined],
  ['1,x', undefined],
  ['all', undefined],
  ['{}', undefined],
])('%j as numbers is %j', (cell, numbers) => {
  expect(numbersIn(cell)).toEqual(numbers);
});

test.each<[string, unknown]>([
  ['["a","b"]', ['a', 'b']],
  ['["a"]', ['a']],
  [' ["a"]', undefined],
  ['[1]', undefined],
  ['["a",1]', undefined],
  ['[VIP]', undefined],
  ['"a"', undefined],
  ['a,b', undefined],
])('%j as texts is %j', (cell, texts) => {
  expect(textsIn(cell)).toEqual(texts);
});
