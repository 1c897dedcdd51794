import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokens } from '../../src/bigcommerce/tokens.ts';

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

test('one store has one token, and others have none', () => {
  const tokens = createTokens({ storeHash: 'abc', token: 'one' }, warn);
  expect([tokens.tokenFor('abc'), tokens.reread('abc'), tokens.tokenFor('other')]).toEqual(['one', 'one', undefined]);
  expect(tokens.cures.refused).toBe('set BIGCOMMERCE_ACCESS_TOKEN and restart the worker');
  expect(tokens.cures.missing).toMatch(/token of store abc only; use BIGCOMMERCE_TOKENS_FILE/);
});

test('a file has a token a store', () => {
  write({ abc: ' one\n', def: 'two' });
  const tokens = createTokens({ file }, warn);
  expect([tokens.tokenFor('abc'), tokens.tokenFor('def'), tokens.tokenFor('constructor')]).toEqual([
    'one',
    'two',
    undefined,
  ]);
  for (const cure of Object.values(tokens.cures)) expect(cure).toContain(`the tokens file ${file}`);
});

test('a file that was changed or replaced is read again', () => {
  write({ abc: 'one' });
  const tokens = createTokens({ file }, warn);
  write({ abc: 'another' });
  expect(tokens.tokenFor('abc')).toBe('another');
  writeFileSync(`${file}.new`, JSON.stringify({ abc: 'replaced' }));
  renameSync(`${file}.new`, file);
  expect(tokens.tokenFor('abc')).toBe('replaced');
});

test('a change that its time and size do not show is seen before a token is given up', () => {
  write({ abc: 'one' });
  const { atime, mtime } = statSync(file);
  utimesSync(file, atime, mtime);
  const tokens = createTokens({ file }, warn);
  write({ abc: 'two' });
  utimesSync(file, atime, mtime);
  expect(tokens.tokenFor('abc')).toBe('one');
  expect(tokens.reread('abc')).toBe('two');
});

test.each([
  ['missing', undefined, /cannot be read \(ENOENT\)/],
  ['not JSON', '{"abc": "s3cret"', /is not JSON/],
  ['a list', ['s3cret'], /not one object/],
  ['with a number', { abc: 'fine', def: 4711 }, /not one object/],
  ['with an empty token', { abc: '' }, /not one object/],
  ['with a token in two lines', { abc: 's3cret\ns3cret' }, /not one object/],
])('a file that is %s at the start is a clear error that quotes nothing of it', (_, content, message) => {
  if (content !== undefined) write(content);
  let error: Error | undefined;
  try {
    createTokens({ file }, warn);
  } catch (caught) {
    error = caught as Error;
  }
  expect(error?.message).toMatch(message);
  expect(error?.message).toContain(file);
  expect(error?.message).toContain('{"<store hash>": "<access token>"}');
  expect(error?.message).not.toMatch(/s3cret|4711/);
});

test('a file that breaks later leaves the last good tokens, and is reported once for each change', () => {
  write({ abc: 'one' });
  const tokens = createTokens({ file }, warn);
  write('{"abc": "s3cr');
  expect([tokens.tokenFor('abc'), tokens.tokenFor('abc'), tokens.reread('abc')]).toEqual(['one', 'one', 'one']);
  expect(warnings).toEqual([expect.stringMatching(/is not JSON\. The tokens read before stay in use\.$/)]);
  rmSync(file);
  expect([tokens.tokenFor('abc'), tokens.tokenFor('abc')]).toEqual(['one', 'one']);
  expect(warnings).toHaveLength(2);
  write({ abc: 'mended' });
  expect(tokens.tokenFor('abc')).toBe('mended');
  expect(warnings.join()).not.toContain('s3cr');
});
