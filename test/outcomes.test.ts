import fc from 'fast-check';
import {
  type ChunkCode,
  decodeChunk,
  decodeRuns,
  encodeChunk,
  encodeRuns,
  MAX_ATTEMPTS_SHOWN,
} from '../src/contract/outcomes.ts';
import { RUNS } from './support/fuzz.ts';

const chunkCode: fc.Arbitrary<ChunkCode> = fc.oneof(
  fc.constantFrom<ChunkCode>(
    { state: 'pending', rejected: 0, failed: 0, attempts: 0 },
    { state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 },
    { state: 'none', rejected: 0, failed: 0, attempts: 0 },
  ),
  fc
    .record({ rejected: fc.nat(10), failed: fc.nat(10), attempts: fc.integer({ min: 1, max: MAX_ATTEMPTS_SHOWN }) })
    .map((counts): ChunkCode => ({ state: 'done', ...counts })),
);

// Some of the same in a row, as outcomes are.
const runs = (values: fc.Arbitrary<number>) =>
  fc
    .array(fc.tuple(values, fc.integer({ min: 1, max: 3_000 })))
    .map((list) => list.flatMap(([value, length]) => new Array<number>(length).fill(value)));

describe('one chunk', () => {
  test('comes back as it was', () => {
    fc.assert(fc.property(chunkCode, (code) => expect(decodeChunk(encodeChunk(code))).toEqual(code)));
  });

  test('counts attempts up to a limit', () => {
    const many: ChunkCode = { state: 'done', rejected: 1, failed: 2, attempts: 400 };
    expect(decodeChunk(encodeChunk(many))).toEqual({ ...many, attempts: MAX_ATTEMPTS_SHOWN });
  });

  test('is a number of its own for everything that can become of it, below 2,000', () => {
    const codes = new Set([0, 1, 2]);
    for (let rejected = 0; rejected <= 10; rejected++) {
      for (let failed = 0; failed <= 10; failed++) {
        for (let attempts = 1; attempts <= MAX_ATTEMPTS_SHOWN; attempts++) {
          codes.add(encodeChunk({ state: 'done', rejected, failed, attempts }));
        }
      }
    }
    expect(codes.size).toBe(3 + 11 * 11 * MAX_ATTEMPTS_SHOWN);
    expect(Math.max(...codes)).toBeLessThan(2_000);
  });
});

describe('runs of numbers', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(runs(fc.oneof(fc.nat(40), fc.nat(2_000), fc.nat(2 ** 32 - 1))), (values) => {
        expect([...decodeRuns(encodeRuns(values), values.length)]).toEqual(values);
      }),
      { numRuns: RUNS },
    );
  });

  test('are text that JSON leaves as it is', () => {
    fc.assert(
      fc.property(runs(fc.nat(2_000)), (values) => {
        const text = encodeRuns(values);
        expect(JSON.stringify(text)).toBe(`"${text}"`);
      }),
      { numRuns: RUNS },
    );
  });

  test('of 100,000 chunks that all went well are a few characters', () => {
    const code = encodeChunk({ state: 'done', rejected: 0, failed: 0, attempts: 1 });
    expect(encodeRuns(new Array<number>(100_000).fill(code)).length).toBeLessThan(10);
  });

  test('of 100,000 chunks that are all different stay below 256 KiB', () => {
    const codes = Array.from({ length: 100_000 }, (_, chunk) =>
      encodeChunk({
        state: 'done',
        rejected: chunk % 7,
        failed: chunk % 4,
        attempts: (chunk % MAX_ATTEMPTS_SHOWN) + 1,
      }),
    );
    const text = encodeRuns(codes);
    expect(text.length).toBeLessThan(256 * 1024);
    expect([...decodeRuns(text, codes.length)]).toEqual(codes);
  });

  test.each([
    ['AB', 1, 'Expected 1 encoded numbers, found more.'],
    ['A*D', 3, 'Expected 3 encoded numbers, found more.'],
    ['A', 2, 'Expected 2 encoded numbers, found 1.'],
    ['', 1, 'Expected 1 encoded numbers, found 0.'],
    ['A.', 2, 'found the character "."'],
  ])('refuse %j as %i numbers', (text, count, message) => {
    expect(() => decodeRuns(text, count)).toThrow(RangeError);
    expect(() => decodeRuns(text, count)).toThrow(message);
  });
});
