import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Addresses, hashed } from '../../src/jobs/addresses.ts';
import { cpuTimer } from '../support/cpu.ts';
import { RowKeys } from '../../src/jobs/row-keys.ts';
import { until } from '../support/until.ts';

test('an address is found in the row that named it first, and as what', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), (keys) => {
      const addresses = new Addresses();
      for (const [index, key] of keys.entries()) {
        expect(addresses.find(hashed(key))).toBeUndefined();
        addresses.enter(hashed(key), { row: index + 1, asNew: index % 3 === 0 });
      }
      for (const [index, key] of keys.entries()) {
        expect(addresses.find(hashed(key))).toEqual({ row: index + 1, asNew: index % 3 === 0 });
      }
    }),
  );
});

test('half a million addresses take a few seconds, and some 20 bytes each', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const cpuMs = cpuTimer();
  const addresses = new Addresses();
  for (let row = 1; row <= 500_000; row++) {
    const address = hashed(`customer${row}@example.com`);
    if (!addresses.find(address)) addresses.enter(address, { row, asNew: false });
  }
  expect(cpuMs()).toBeLessThan(5_000);
  // V8 frees what was collected in the background.
  await until(() => {
    collect();
    return (process.memoryUsage().arrayBuffers - before) / 500_000 < 24;
  }, 20_000);
  expect(addresses.find(hashed('customer77@example.com'))).toEqual({ row: 77, asNew: false });
});

describe('of two rows in conflict the later one is not sent', () => {
  const problems = (rows: object[]) => {
    const keys = new RowKeys('email');
    return rows.map((value, index) => keys.enter(value as Record<string, unknown>, index + 1)?.message ?? 'ok');
  };
  const SAME = 'Expected one row a customer, got another one in row 1.';
  const taken = (field: string, other: string) =>
    `${field}: expected an address that no other row has, got the ${other} of row 1. Send it in a later job.`;

  test.each([
    ['one address', [{ email: 'a@x' }, { email: 'A@X' }], SAME],
    ['one address, written otherwise', [{ email: 'ju\u0308@x' }, { email: ' j\u00fc@x' }], SAME],
    ['one id', [{ id: 7, email: 'a@x' }, { id: 7 }], SAME],
    ['one address, one with an id', [{ id: 7, email: 'a@x' }, { email: 'a@x' }], SAME],
    [
      'an address that the earlier one gives',
      [{ email: 'a@x', new_email: 'b@x' }, { email: 'B@x' }],
      taken('email', 'new_email'),
    ],
    [
      'a new address that the earlier one has',
      [{ email: 'b@x' }, { email: 'a@x', new_email: 'b@x' }],
      taken('new_email', 'email'),
    ],
    [
      'one new address',
      [
        { id: 1, new_email: 'b@x' },
        { id: 2, new_email: 'B@x' },
      ],
      taken('new_email', 'new_email'),
    ],
  ])('%s', (_, rows, message) => {
    expect(problems(rows)).toEqual(['ok', message]);
  });

  test('and such a row takes nothing away from those after it', () => {
    expect(
      problems([{ email: 'a@x' }, { email: 'a@x', id: 5, new_email: 'c@x' }, { id: 5 }, { email: 'c@x' }]),
    ).toEqual(['ok', SAME, 'ok', 'ok']);
  });

  test('but a row may change the case of its own address', () => {
    expect(problems([{ email: 'a@x', new_email: 'A@x' }])).toEqual(['ok']);
  });
});
