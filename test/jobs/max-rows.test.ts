import { BadSource, type SourceRecord } from '../../src/jobs/sources/record.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { newStorage } from './support.ts';

// Four million rows take a minute.
jest.mock('../../src/jobs/sources/bounded.ts', () => ({ MAX_ROWS: 3_000 }));

const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
let given = 0;

async function* invalidRows(rows: number): AsyncGenerator<SourceRecord[]> {
  for (given = 0; given < rows;) yield [{ row: ++given, line: null, value: 1 }];
}

test('an endless source of invalid rows is rejected, and leaves nothing behind', async () => {
  const storage = await newStorage();
  const run = (rows: number) => prepare({ storage, keys, records: invalidRows(rows), limit: null });
  expect(await run(3_000)).toMatchObject({ total: 3_000, invalid: 3_000 });
  await storage.delete(keys.invalid);
  await expect(run(Infinity)).rejects.toThrow(BadSource);
  expect(given).toBe(3_001);
  await expect(run(3_001)).rejects.toThrow('Expected at most 3,000 rows in one source, got more. Split it');
  expect(await storage.exists(keys.invalid)).toBe(false);
  expect(await storage.exists(keys.page(0))).toBe(false);
});
