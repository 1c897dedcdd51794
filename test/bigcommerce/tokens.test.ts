import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokens } from '../../src/bigcommerce/tokens.ts';

let folder: string;
let file: string;
let warnings: string[];
const warn = (message: string) => void warnings.push(message);
const write = (content: unknown) =>
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  file = join(folder, 'tokens.json');
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

test('one store has the token, and others have none', () => {
  const tokens = new Tokens({ storeHash: 'abc', token: 'one' }, warn);
  expect([tokens.tokenFor('abc'), tokens.reread('abc'), tokens.tokenFor('other')]).toEqual(['one', 'one', undefined]);
  expect(tokens.cures.refused).toBe('set BIGCOMMERCE_ACCESS_TOKEN and restart the worker');
  expect(tokens.cures.missing).toMatch(/only has the token of store abc; use BIGCOMMERCE_TOKENS_FILE/);
});

test('a file has one token per store', () => {
  write({ abc: ' one\n', def: 'two' });
  const tokens = new Tokens({ file }, warn);
  expect([tokens.tokenFor('abc'), tokens.tokenFor('def'), tokens.tokenFor('constructor')]).toEqual([
    'one',
    'two',
    undefined,
  ]);
  for (const cure of Object.values(tokens.cures)) expect(cure).toContain(`the tokens file ${file}`);
});

test('a file that was changed or replaced is read again', () => {
  write({ abc: 'one' });
  const tokens = new Tokens({ file }, warn);
  write({ abc: 'another' });
  expect(tokens.tokenFor('abc')).toBe('another');
  writeFileSync(`${file}.new`, JSON.stringify({ abc: 'replaced' }));
  renameSync(`${file}.new`, file);
  expect(tokens.tokenFor('abc')).toBe('replaced');
});

test('a change that the time and size do not show is noticed before a token is given up', () => {
  write({ abc: 'one' });
  const { atime, mtime } = statSync(file);
  utimesSync(file, atime, mtime);
  const tokens = new Tokens({ file }, warn);
  write({ abc: 'two' });
  utimesSync(file, atime, mtime);
  expect(tokens.tokenFor('abc')).toBe('one');
  expect(tokens.reread('abc')).toBe('two');
});

test.each([
  ['missing', undefined, /cannot be read \(ENOENT\)/],
  ['not JSON', '{"abc": "s3cret"', /is not JSON/],
  ['a list', ['s3cret'], /not an object/],
  ['with a number', { abc: 'fine', def: 4711 }, /not an object/],
  ['with an empty token', { abc: '' }, /not an object/],
  ['with a token in two lines', { abc: 's3cret\ns3cret' }, /not an object/],
])('a file that is %s at the start is a clear error that quotes nothing from it', (_, content, message) => {
  if (content !== undefined) write(content);
  const open = () => new Tokens({ file }, warn);
  expect(open).toThrow(message);
  expect(open).toThrow(file);
  expect(open).toThrow('{"<store hash>": "<access token>"}');
  expect(open).not.toThrow(/s3cret|4711/);
});

test('a file that breaks later leaves the last good tokens in use, and is reported once per change', () => {
  write({ abc: 'one' });
  const tokens = new Tokens({ file }, warn);
  write('{"abc": "s3cr');
  expect([tokens.tokenFor('abc'), tokens.tokenFor('abc'), tokens.reread('abc')]).toEqual(['one', 'one', 'one']);
  expect(warnings).toEqual([expect.stringMatching(/is not JSON\. The tokens read before stay in use\.$/)]);
  rmSync(file);
  expect([tokens.tokenFor('abc'), tokens.tokenFor('abc')]).toEqual(['one', 'one']);
  expect(warnings).toHaveLength(2);
  write({ abc: 'fixed' });
  expect(tokens.tokenFor('abc')).toBe('fixed');
  expect(warnings.join()).not.toContain('s3cr');
});
