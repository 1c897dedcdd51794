/** The committed JSON Schemas of the contract say what src/schema.ts checks. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parseJobInput } from '../src/contract/schema.ts';
import { breaks } from './support/json-schemas.ts';

const folder = fileURLToPath(new URL('../schemas/', import.meta.url));

test('describe every property, and name no machine', async () => {
  const files = await readdir(folder);
  expect(files).toHaveLength(5);
  for (const name of files) {
    const text = await readFile(`${folder}${name}`, 'utf8');
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [name, property] of Object.entries((schema as { properties?: object }).properties ?? {})) {
        expect([name, property]).toEqual([name, expect.objectContaining({ description: expect.stringMatching(/\w/) })]);
      }
      Object.values(schema).forEach(walk);
    };
    walk(JSON.parse(text));
    expect(text.match(/"\$id": "[^"]*"|https?:[^"]*/g)).toEqual([
      'https://json-schema.org/draft/2020-12/schema',
      expect.stringMatching(/"urn:bigcommerce-customer-updates:\w+"/),
    ]);
  }
});

function isTaken(input: unknown): boolean {
  try {
    parseJobInput(input);
    return true;
  } catch {
    return false;
  }
}

const source = { uri: 's3://bucket/a.csv' };

test.each<[string, unknown, boolean]>([
  ['the least', { storeHash: 'abc123', source }, true],
  ['customers', { storeHash: 'abc', source: { customers: [{ id: 1 }, 'x'] } }, true],
  ['no customers', { storeHash: 'abc', source: { customers: [] } }, true],
  ['a job to retry', { storeHash: 'abc', source: { retryOf: 'customer-updates/abc/spring' } }, true],
  ['all options', { storeHash: 'abc', source, options: { limit: null, ignoreColumns: ['a'], backup: true } }, true],
  ['no store', { source }, false],
  ['no source', { storeHash: 'abc' }, false],
  ['store_hash', { store_hash: 'abc', source }, false],
  ['an unknown option', { storeHash: 'abc', source, options: { dry_run: true } }, false],
  ['two sources', { storeHash: 'abc', source: { ...source, retryOf: 'x' } }, false],
  ['1,000 customers', { storeHash: 'abc', source: { customers: Array(1_000).fill(1) } }, true],
  ['1,001 customers', { storeHash: 'abc', source: { customers: Array(1_001).fill(1) } }, false],
  ['a store hash in capitals', { storeHash: 'ABC', source }, false],
  ['a store hash with a line end', { storeHash: 'abc\n', source }, false],
  ['a URI of 5,001 characters', { storeHash: 'abc', source: { uri: 'x'.repeat(5_001) } }, false],
  ['options that are null', { storeHash: 'abc', source, options: null }, false],
  ['a limit of 0', { storeHash: 'abc', source, options: { limit: 0 } }, false],
  ['a limit beyond what a number holds', { storeHash: 'abc', source, options: { limit: 2 ** 53 } }, false],
  ['a text', '{"storeHash": "abc"}', false],
  ['null', null, false],
  ['a list', [], false],
])('%s as input: schema and worker say the same', (_, input, taken) => {
  expect([isTaken(input), breaks('input', input) === '']).toEqual([taken, taken]);
});

// What a schema can't say: sizes of JSON.
test.each([
  ['of 513 KiB inline', { storeHash: 'abc', source: { customers: ['x'.repeat(513 * 1024)] } }],
  [
    'with 10,001 characters of headings',
    { storeHash: 'abc', source, options: { ignoreColumns: ['x'.repeat(10_001)] } },
  ],
])(
  'an input %s passes the schema, which mentions it only in words, and is rejected by the worker',
  async (_, input) => {
    expect([isTaken(input), breaks('input', input)]).toEqual([false, '']);
  },
);

test('any input: schema and worker say the same', () => {
  const odd = fc.constantFrom<unknown>(null, '', 'x', 0, 1, -1, 1.5, 100, 101, true, [], ['a'], [1], {});
  /** A value that fits, or rarely another. */
  const mostly = (fitting: fc.Arbitrary<unknown>) => fc.oneof({ weight: 9, arbitrary: fitting }, odd);
  const shape = (fields: Record<string, fc.Arbitrary<unknown>>, required: string[]) => {
    const record = fc.record(fields, { requiredKeys: required });
    return mostly(fc.oneof({ weight: 9, arbitrary: record }, fc.record({ ...fields, extra: odd }) as typeof record));
  };
  const flag = mostly(fc.boolean());
  const text = mostly(fc.string({ unit: 'grapheme-ascii', minLength: 1 }));
  const options = {
    ...{ dryRun: flag, reportAll: flag, backup: flag, skipUnchanged: flag },
    limit: mostly(fc.option(fc.integer({ min: 1 }))),
    onInvalid: mostly(fc.constantFrom('skip', 'fail')),
    maxRejectedPercent: mostly(fc.double({ min: 0, max: 100, noNaN: true })),
    priority: mostly(fc.integer({ min: 1, max: 5 })),
    match: mostly(fc.constantFrom('id', 'email')),
    blankCells: mostly(fc.constantFrom('keep', 'clear')),
    ignoreColumns: mostly(fc.array(text)),
  };
  const anySource = fc.oneof(
    shape({ customers: mostly(fc.array(odd)) }, ['customers']),
    shape({ uri: text, format: mostly(fc.constantFrom('csv', 'ndjson', 'json')) }, ['uri']),
    shape({ retryOf: text }, ['retryOf']),
    shape({ customers: mostly(fc.array(odd)), uri: text, retryOf: text }, []),
  );
  const storeHash = mostly(fc.stringMatching(/^[a-z0-9]{1,32}$|^\w{0,40}$/));
  const input = shape({ storeHash, source: anySource, options: shape(options, []) }, ['storeHash', 'source']);
  let taken = 0;
  fc.assert(
    fc.property(input, (value) => {
      const json: unknown = JSON.parse(JSON.stringify(value));
      if (isTaken(json)) taken++;
      expect(breaks('input', json) === '').toBe(isTaken(json));
    }),
    { numRuns: 1_000 },
  );
  // It says something of both kinds.
  expect(taken).toBeGreaterThan(50);
  expect(taken).toBeLessThan(950);
});
