import { findEmails, maskEmails, tidy } from '../../src/bigcommerce/message.ts';
import { cpuTimer } from '../support/cpu.ts';

test.each([
  ['email ann@example.com already in use', 'email *** already in use'],
  ['"a@b" and <c@d.e>, (f@g)', '"***" and <***>, (***)'],
  ['email=ann+tag@x.com', '***'],
  ['to ann%40example.com', 'to ***'],
  ["o'neil@x.com's", '***'],
  ['nothing here', 'nothing here'],
])('%s is masked as %s', (text, masked) => {
  expect(maskEmails(text)).toBe(masked);
});

test('e-mail addresses are found whatever surrounds them', () => {
  const text = `Email 'Ann@X.com' is used by "bob@y.com", <c@d.e>. And o'neil@z.com.`;
  expect(findEmails(text)).toEqual(['ann@x.com', 'bob@y.com', 'c@d.e', "o'neil@z.com"]);
});

test('a long text is cut to 200 characters, after masking', () => {
  const text = tidy(`${'x'.repeat(190)} ann@example.com ${'y'.repeat(100)}`);
  expect(text).toHaveLength(200);
  expect(text).toMatch(/x \*\*\* yyyy…$/);
});

test('cutting a huge text leaves neither half an address nor half a character', () => {
  expect(tidy(`${' '.repeat(1_990)}ann.miller@example.com`)).toBe('');
  expect(tidy(`${'x'.repeat(198)}😀😀`)).toBe(`${'x'.repeat(198)}…`);
});

test('a text of megabytes takes no time', () => {
  const cpuMs = cpuTimer();
  tidy('a'.repeat(4_000_000), ['aaaa']);
  findEmails('@'.repeat(4_000_000));
  expect(cpuMs()).toBeLessThan(500);
});

test('nothing is left that a terminal would act on, or that would reverse a text', () => {
  const text = tidy('a\u001b[31mred\u001b]0;title\u0007\r\nforged line\u202Eevil\u2066\u200B\u009B2J\uFEFF\uD800b');
  expect(text).toBe('a [31mred ]0;title forged line evil 2J b');
});

test('thousands of secrets, and huge ones, take no time', () => {
  const secrets = [...Array.from({ length: 10_000 }, (_, index) => `secret ${index}`), 'x'.repeat(10_000_000)];
  const cpuMs = cpuTimer();
  for (let times = 0; times < 100; times++) expect(tidy('no secret 9999 here', secrets)).toBe('no *** here');
  expect(cpuMs()).toBeLessThan(2_000);
});
