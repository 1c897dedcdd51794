import fc from 'fast-check';
import type { ChunkOutcome, PreparedRows } from '../../src/contract/activities.ts';
import type { Failure } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { Ledger } from '../../src/workflows/ledger.ts';

/** What prepareJob finds in a source; for each row, whether it is valid. */
function prepared(rows: boolean[], limit = Infinity): PreparedRows {
  const valid = rows.flatMap((ok, index) => (ok ? [index + 1] : []));
  const chunks: number[][] = [];
  for (let start = 0; start < valid.length;) {
    const end = Math.min(start + 10, start < limit ? limit : Infinity, valid.length);
    chunks.push(valid.slice(start, end));
    start = end;
  }
  const gaps = chunks.flatMap((chunk, index) => {
    const [first = 0, last = 0] = [chunk[0], chunk.at(-1)];
    return [first - (chunks[index - 1]?.at(-1) ?? 0) - 1, last - first + 1 - chunk.length];
  });
  const chunksToSend = chunks.filter((_, index) => index * 10 < limit).length;
  return {
    total: rows.length,
    invalid: rows.length - valid.length,
    valid: valid.length,
    chunks: chunks.length,
    chunksToSend,
    lastSentSize: chunks[chunksToSend - 1]?.length ?? 0,
    lastSize: chunks.at(-1)?.length ?? 0,
    gaps: encodeRuns(gaps),
    failures: [],
    olderIn: null,
  };
}

function failure(row: number, outcome: 'rejected' | 'failed', code: Failure['code'] = 'rejected'): Failure {
  return { row, line: null, id: row, outcome, code, message: 'no' };
}

function outcome(size: number, failures: Failure[] = []): ChunkOutcome {
  return {
    updated: size - failures.length,
    failures,
    calls: 1,
    throttled: 0,
    attempts: 1,
    unanswered: 0,
    concurrency: 3,
  };
}

const allValid = (rows: number) => prepared(Array<boolean>(rows).fill(true));

test('the five counts add up after any outcomes in any order, even if the ledger is carried over', () => {
  const source = fc.array(fc.boolean(), { minLength: 1, maxLength: 200 });
  const fates = fc.array(fc.constantFrom('updated', 'rejected', 'failed'), { minLength: 200, maxLength: 200 });
  fc.assert(
    fc.property(source, fates, fc.infiniteStream(fc.nat()), fc.nat(250), (rows, fate, random, limit) => {
      let ledger = Ledger.of(prepared(rows, limit || Infinity));
      const valid = rows.flatMap((ok, index) => (ok ? [index + 1] : []));
      const expected = { updated: 0, rejected: 0, failed: 0 };
      const open = Array.from({ length: ledger.plan.chunksToSend }, (_, chunk) => chunk);
      while (open.length > 0) {
        const next = random.next().value as number;
        const [chunk = 0] = open.splice(next % open.length, 1);
        const { first, last } = ledger.rowsOf(chunk);
        const inChunk = valid.filter((row) => row >= first && row <= last);
        expect(inChunk).toHaveLength(ledger.sizeOf(chunk));
        expect([inChunk[0], inChunk.at(-1)]).toEqual([first, last]);
        const failures = [];
        for (const row of inChunk) {
          const is = fate[row - 1] as keyof typeof expected;
          expected[is]++;
          if (is !== 'updated') failures.push(failure(row, is));
        }
        ledger.record(chunk, outcome(inChunk.length, failures), 1);
        if (next % 3 === 0) ledger = new Ledger(structuredClone(ledger.carry()));
        const { total, ...counts } = ledger.counts;
        expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(total);
      }
      expect(ledger.counts).toMatchObject(expected);
    }),
  );
});

test('chunks that are pending at the end are unprocessed', () => {
  const ledger = Ledger.of(allValid(25));
  ledger.record(1, outcome(10, [failure(12, 'rejected')]), 3);
  ledger.end();
  expect(ledger.outcomes().outcomes).toEqual([
    { chunk: 0, rows: [1, 10], state: 'unprocessed', updated: 0, rejected: 0, failed: 0, attempts: 0 },
    { chunk: 1, rows: [11, 20], state: 'done', updated: 9, rejected: 1, failed: 0, attempts: 3 },
    { chunk: 2, rows: [21, 25], state: 'unprocessed', updated: 0, rejected: 0, failed: 0, attempts: 0 },
  ]);
  expect(ledger.counts).toMatchObject({ total: 25, updated: 9, rejected: 1, unprocessed: 15 });
});

test.each([
  [{ from: 1, count: 1 }, [1]],
  [{ from: 2 }, [2]],
  [{ from: 7 }, []],
  [{ from: -3, count: 2 }, [0, 1]],
  [{ count: 0 }, []],
  [{ from: Number.NaN }, []],
])('outcomes of %j are those of chunks %j', (page, chunks) => {
  const ledger = Ledger.of(allValid(25));
  expect(ledger.outcomes(page).outcomes.map(({ chunk }) => chunk)).toEqual(chunks);
});

test('failures come in pages, by row, and each page names the next', () => {
  const ledger = Ledger.of(allValid(20));
  ledger.record(1, outcome(10, [failure(15, 'rejected'), failure(12, 'failed')]), 1);
  ledger.record(0, outcome(10, [failure(3, 'rejected')]), 1);
  const first = ledger.failuresPage({ limit: 2 });
  expect(first).toMatchObject({ failures: [{ row: 3 }, { row: 12 }], total: 3, next: 12, olderIn: null });
  expect(ledger.failuresPage({ after: 12, limit: 2 })).toMatchObject({ failures: [{ row: 15 }], next: null });
});

test('the oldest failures beyond 1,000 are saved, and stay in answers meanwhile', async () => {
  const ledger = Ledger.of(allValid(10_040));
  for (let chunk = 0; chunk < 104; chunk++) {
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  expect(ledger.surplus).toBe(40);
  await ledger.saveOldest(1_000, (failures, file) => {
    expect(failures.map(({ row }) => row)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(ledger.failuresPage().failures[0]?.row).toBe(1);
    return Promise.resolve(`file:///failures/${file}`);
  });
  expect(ledger.surplus).toBe(0);
  expect(ledger.failuresPage()).toMatchObject({ total: 1_040, olderIn: 'file:///failures/0' });
  expect(ledger.failuresPage().failures[0]?.row).toBe(41);
  expect(ledger.carry().failures).toHaveLength(1_000);
});

test('the outcome of customers that are sent again replaces the one before', () => {
  const ledger = Ledger.of(allValid(20));
  const taken = [failure(12, 'rejected', 'email_taken'), failure(14, 'rejected', 'email_taken')];
  ledger.record(1, outcome(10, [...taken, failure(15, 'rejected')]), 1);
  expect([...ledger.emailsTaken()]).toEqual([[1, [12, 14]]]);
  ledger.amend(1, [12, 14], outcome(2, [failure(14, 'rejected', 'email_taken')]));
  expect(ledger.counts).toMatchObject({ updated: 8, rejected: 2, unprocessed: 10 });
  expect(ledger.failuresPage().failures.map(({ row }) => row)).toEqual([14, 15]);
  expect(ledger.outcomes({ from: 1 }).outcomes[0]).toMatchObject({ rejected: 2, updated: 8, attempts: 2 });
});

test('a taken e-mail address stays in state until its customer is sent again, however many failures follow', async () => {
  const ledger = Ledger.of(allValid(2_000));
  ledger.record(0, outcome(10, [failure(2, 'rejected', 'email_taken')]), 1);
  for (let chunk = 1; chunk <= 100; chunk++) {
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  await ledger.saveOldest(1_000, () => Promise.resolve('file:///failures/0'));
  expect([...ledger.emailsTaken()]).toEqual([[0, [2]]]);
  ledger.amend(0, [2], outcome(1));
  expect(ledger.counts).toMatchObject({ updated: 10, rejected: 1_000 });
});

test('unchanged customers count as updated but not as tried, even if the ledger is carried over', () => {
  const ledger = Ledger.of(allValid(30));
  expect(ledger.carry()).not.toHaveProperty('unchanged');
  ledger.record(0, { ...outcome(10, [failure(3, 'rejected')]), unchanged: 4 }, 1);
  ledger.record(1, { ...outcome(10), unchanged: 10 }, 1);
  for (const { counts, unchanged, tried } of [ledger, new Ledger(ledger.carry())]) {
    expect({ ...counts, unchanged, tried }).toMatchObject({ updated: 19, rejected: 1, unchanged: 14, tried: 6 });
  }
});

test('a page of outcomes has at most 1,000 chunks, and parts of a number do not count', () => {
  const ledger = Ledger.of(allValid(12_000));
  const chunks = (page: Parameters<typeof ledger.outcomes>[0]) => {
    const { total, outcomes } = ledger.outcomes(page);
    return [total, outcomes.length, outcomes[0]?.chunk];
  };
  expect(chunks({})).toEqual([1_200, 1_000, 0]);
  expect(chunks({ from: 100, count: 5_000 })).toEqual([1_200, 1_000, 100]);
  expect(chunks({ from: 1_199.9, count: 5 })).toEqual([1_200, 1, 1_199]);
  expect(chunks({ from: 3.5, count: 2.9 })).toEqual([1_200, 2, 3]);
  expect(chunks({ count: -1 })).toEqual([1_200, 0, undefined]);
});

test.each([
  [{}, 500, 500],
  [{ limit: 2_000 }, 500, 500],
  [{ limit: 2.9 }, 2, 2],
  [{ limit: 0 }, 1, 1],
  [{ after: 510, limit: 10 }, 10, null],
  [{ after: 511 }, 9, null],
  [{ after: 520 }, 0, null],
])('the page %j of 520 failures has %i, and next is %j', (page, length, next) => {
  const ledger = Ledger.of({ ...prepared([...Array<boolean>(520).fill(true), false]), olderIn: 'file:///older' });
  for (let chunk = 0; chunk < 52; chunk++) {
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  const answer = ledger.failuresPage(page);
  expect(answer).toMatchObject({ next, total: 521, olderIn: 'file:///older' });
  expect(answer.failures).toHaveLength(length);
});

test('the latest failures are those that became known last', () => {
  const ledger = Ledger.of(allValid(20));
  ledger.record(1, outcome(10, [failure(15, 'rejected'), failure(12, 'failed')]), 1);
  ledger.record(0, outcome(10, [failure(3, 'rejected')]), 1);
  expect(ledger.latestFailures(2).map(({ row }) => row)).toEqual([12, 3]);
});

test('failures are saved a file at a time, until the latest 1,000 are left', async () => {
  const ledger = Ledger.of(allValid(1_020));
  const files: [file: number, rows: number[]][] = [];
  const save = (failures: Failure[], file: number) => {
    files.push([file, failures.map(({ row }) => row)]);
    return Promise.resolve(`file:///failures/${file}`);
  };
  for (let chunk = 0; chunk < 102; chunk++) {
    expect(ledger.surplus).toBe(Math.max(0, 10 * chunk - 1_000));
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  await ledger.saveOldest(12, save);
  await ledger.saveOldest(12, save);
  expect(files).toEqual([
    [0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [1, [13, 14, 15, 16, 17, 18, 19, 20]],
  ]);
  expect(ledger.carry()).toMatchObject({ saved: 2, olderIn: 'file:///failures/1' });
  expect(ledger.failuresPage({ after: 12 }).failures[0]?.row).toBe(21);
});

test('only failures of the same chunk are replaced, and only those that are still in state', () => {
  const ledger = Ledger.of(allValid(30));
  // One customer is in two chunks, at the end of one and at the start of the next.
  const at = (row: number, id: number | null, code: Failure['code'] = 'email_taken') => ({
    ...failure(row, 'rejected', code),
    id,
  });
  ledger.record(0, outcome(10, [at(10, 7)]), 1);
  ledger.record(1, outcome(10, [at(11, 7), at(12, null), at(20, 8), at(13, 9, 'rejected')]), 2);
  ledger.record(2, outcome(10, [at(21, 7)]), 1);
  expect([...ledger.emailsTaken()]).toEqual([
    [0, [7]],
    [1, [7, 8]],
    [2, [7]],
  ]);
  const again = [{ ...at(11, 7), outcome: 'failed' as const }, at(14, 5)];
  ledger.amend(1, [7, 8], { ...outcome(3, again), attempts: 3 });
  expect(ledger.failuresPage().failures.map(({ row, outcome: is }) => [row, is])).toEqual([
    [10, 'rejected'],
    [11, 'failed'],
    [12, 'rejected'],
    [13, 'rejected'],
    [21, 'rejected'],
  ]);
  expect(ledger.outcomes({ from: 1, count: 1 }).outcomes).toEqual([
    { chunk: 1, rows: [11, 20], state: 'done', updated: 7, rejected: 2, failed: 1, attempts: 5 },
  ]);
  expect(ledger.counts).toMatchObject({ updated: 25, rejected: 4, failed: 1 });
});

test('calls are counted, and carried over with all else', () => {
  const ledger = Ledger.of({ ...allValid(30), olderIn: 'file:///older' });
  ledger.called({ calls: 3, throttled: 1 });
  ledger.called({ calls: 2, throttled: 1 });
  ledger.record(1, { ...outcome(10, [failure(12, 'rejected')]), unchanged: 2 }, 1);
  expect([ledger.calls, ledger.throttled]).toEqual([5, 2]);
  const carried = new Ledger(structuredClone(ledger.carry()));
  expect(carried.carry()).toEqual(ledger.carry());
  expect(carried).toMatchObject({ calls: 5, throttled: 2, done: 1, olderIn: 'file:///older', unchanged: 2 });
});
