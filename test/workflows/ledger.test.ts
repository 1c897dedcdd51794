import fc from 'fast-check';
import type { ChunkOutcome, PageOutcome, PreparedRows } from '../../src/contract/activities.ts';
import type { Failure } from '../../src/contract/job.ts';
import { packFallen } from '../../src/contract/look-ups.ts';
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
    reads: 0,
    throttled: 0,
    attempts: 1,
    unanswered: 0,
    concurrency: 3,
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1);

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
  expect(ledger.failures.surplus).toBe(40);
  await ledger.failures.saveOldest(1_000, (failures, file) => {
    expect(failures.map(({ row }) => row)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(ledger.failuresPage().failures[0]?.row).toBe(1);
    return Promise.resolve(`file:///failures/${file}`);
  });
  expect(ledger.failures.surplus).toBe(0);
  expect(ledger.failuresPage()).toMatchObject({ total: 1_040, olderIn: 'file:///failures/0' });
  expect(ledger.failuresPage().failures[0]?.row).toBe(41);
  expect(ledger.carry().failures).toHaveLength(1_000);
});

test('the outcome of customers that are sent again replaces the one before', () => {
  const ledger = Ledger.of(allValid(20));
  const taken = [failure(12, 'rejected', 'email_taken'), failure(14, 'rejected', 'email_taken')];
  ledger.record(1, outcome(10, [...taken, failure(15, 'rejected')]), 1);
  expect([...ledger.failures.emailsTaken()]).toEqual([[1, [12, 14]]]);
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
  await ledger.failures.saveOldest(1_000, () => Promise.resolve('file:///failures/0'));
  expect([...ledger.failures.emailsTaken()]).toEqual([[0, [2]]]);
  ledger.amend(0, [2], outcome(1));
  expect(ledger.counts).toMatchObject({ updated: 10, rejected: 1_000 });
});

test('of more than 1,000 taken e-mail addresses, the latest 1,000 are sent again', () => {
  const ledger = Ledger.of(allValid(1_020));
  for (let chunk = 0; chunk < 102; chunk++) {
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected', 'email_taken'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  const taken = [...ledger.failures.emailsTaken().values()].flat();
  expect([taken.length, taken[0]]).toEqual([1_000, 21]);
});

const pageOutcome = (about: Partial<PageOutcome>): PageOutcome => ({
  ...{ chunks: 0, lastSize: 0, unchanged: 0, fallen: [], calls: 0, reads: 4, throttled: 0, attempts: 1 },
  ...{ unanswered: 0, concurrency: 3 },
  ...about,
});

/** Rows that a look-up lets fall. */
const fallen = (rows: number[], what: 'rejected' | 'invalid' = 'rejected') => ({
  ...({ outcome: what, code: 'rejected', message: 'gone' } as const),
  ...packFallen(rows.map((row) => ({ row, line: row + 1, id: null }))),
});

describe('a look-up', () => {
  test('leaves chunks, of which the last may be smaller, and settles the other rows', () => {
    const ledger = Ledger.of(allValid(2_050));
    const outcome = pageOutcome({
      chunks: 3,
      lastSize: 4,
      unchanged: 1_900,
      fallen: [fallen(range(0, 70)), fallen([90, 92, 95, 96, 97, 98], 'invalid')],
    });
    expect(ledger.lookedUp(0, [0, 200], outcome)).toBe(true);
    for (const now of [ledger, new Ledger(structuredClone(ledger.carry()))]) {
      expect(now.counts).toEqual({
        total: 2_050,
        updated: 1_900,
        rejected: 70,
        failed: 0,
        invalid: 6,
        unprocessed: 74,
      });
      expect(now.chunks).toEqual({ total: 8, done: 0 });
      expect(now.outcomes().outcomes.map(({ chunk }) => chunk)).toEqual([0, 1, 2, 200, 201, 202, 203, 204]);
      expect(
        now
          .outcomes()
          .outcomes.slice(2, 4)
          .map(({ rows }) => rows),
      ).toEqual([
        [1, 2_000],
        [2_001, 2_010],
      ]);
      expect([0, 2, 3, 200].map((chunk) => now.sizeOf(chunk))).toEqual([10, 4, 0, 10]);
      expect(now.failuresPage({ after: 69 }).failures.slice(0, 2)).toEqual([
        { row: 70, line: 71, id: null, outcome: 'rejected', code: 'rejected', message: 'gone' },
        { row: 90, line: 91, id: null, outcome: 'invalid', code: 'rejected', message: 'gone' },
      ]);
      expect(now.shares).toEqual({ sent: { tried: 1_900, rejected: 0 }, lookedUp: { tried: 2_000, rejected: 70 } });
    }
  });

  test('that leaves rows out is not entered', () => {
    const ledger = Ledger.of(allValid(2_000));
    const before = ledger.carry();
    expect(ledger.lookedUp(0, [0, 200], pageOutcome({ chunks: 10, lastSize: 10, unchanged: 1_899 }))).toBe(false);
    expect(ledger.lookedUp(0, [0, 50], pageOutcome({ chunks: 51, lastSize: 0, unchanged: 0 }))).toBe(false);
    expect(ledger.carry()).toEqual(before);
  });

  test('that is made again is for rows that were not sent, and counts nobody twice', () => {
    const ledger = Ledger.of(allValid(2_000));
    ledger.lookedUp(0, [0, 200], pageOutcome({ chunks: 50, lastSize: 5, unchanged: 1_505 }));
    ledger.record(0, outcome(10), 1);
    expect(ledger.lookedUp(0, [20, 50], pageOutcome({ chunks: 2, lastSize: 1, unchanged: 284 }))).toBe(true);
    expect(ledger.lookedUp(0, [7, 8], pageOutcome({ chunks: 1, lastSize: 10 }))).toBe(true);
    for (const now of [ledger, new Ledger(structuredClone(ledger.carry()))]) {
      expect(now.counts).toMatchObject({ updated: 1_799, unprocessed: 201 });
      expect(now.shares.lookedUp.tried).toBe(2_000);
      expect(now.chunks).toEqual({ total: 22, done: 1 });
      expect([0, 7, 19, 20, 21, 22, 49].map((chunk) => now.sizeOf(chunk))).toEqual([10, 10, 10, 10, 1, 0, 0]);
      expect([3, 7, 21].map((chunk) => now.askedFor(chunk))).toEqual([
        [[0, 200]],
        [
          [0, 200],
          [7, 8],
        ],
        [
          [0, 200],
          [20, 50],
        ],
      ]);
      expect(now.askedFor(200)).toEqual([]);
    }
  });

  test('of a job with a limit is for what is to be sent', () => {
    const ledger = Ledger.of(prepared(Array<boolean>(2_500).fill(true), 2_204));
    expect([ledger.placesOf(0), ledger.placesOf(1)]).toEqual([
      [0, 200],
      [0, 21],
    ]);
    expect(ledger.rowsOfPage(1)).toEqual({ first: 2_001, last: 2_204 });
    expect(ledger.lookedUp(1, [0, 21], pageOutcome({ chunks: 1, lastSize: 4, unchanged: 200 }))).toBe(true);
    expect(ledger.counts.unprocessed).toBe(2_300);
    expect(ledger.outcomes({ from: 221 }).outcomes[0]).toMatchObject({ chunk: 221, rows: [2_205, 2_214] });
  });

  test('of two million rows is carried in less than 40 KB, whatever it found', () => {
    const ledger = Ledger.of(allValid(2_000_000));
    const before = JSON.stringify(ledger.carry()).length;
    for (let page = 0; page < 1_000; page++) {
      const chunks = 1 + ((page * 37) % 200);
      const lastSize = 1 + (page % 10);
      const left = (chunks - 1) * 10 + lastSize;
      ledger.lookedUp(page, [0, 200], pageOutcome({ chunks, lastSize, unchanged: 2_000 - left }));
    }
    expect(ledger.counts).toMatchObject({ failed: 0 });
    expect(JSON.stringify(ledger.carry().lookUps).length + before).toBeLessThan(40_000);
  });

  test('is expected to be as the ones before, where the end of the job is told', () => {
    const ledger = Ledger.of(allValid(8_000));
    expect(ledger.callsLeft).toBe(800);
    ledger.called({ calls: 0, reads: 4, throttled: 0 });
    ledger.lookedUp(0, [0, 200], pageOutcome({ chunks: 6, lastSize: 10, unchanged: 1_940 }));
    ledger.record(0, outcome(10), 1);
    expect(ledger.callsLeft).toBe(5 + 3 * (6 + 4));
  });
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
  expect(ledger.failures.latest(2).map(({ row }) => row)).toEqual([12, 3]);
});

test('failures are saved a file at a time, until the latest 1,000 are left', async () => {
  const ledger = Ledger.of(allValid(1_020));
  const files: [file: number, rows: number[]][] = [];
  const save = (failures: Failure[], file: number) => {
    files.push([file, failures.map(({ row }) => row)]);
    return Promise.resolve(`file:///failures/${file}`);
  };
  for (let chunk = 0; chunk < 102; chunk++) {
    expect(ledger.failures.surplus).toBe(Math.max(0, 10 * chunk - 1_000));
    const rows = Array.from({ length: 10 }, (_, index) => failure(chunk * 10 + index + 1, 'rejected'));
    ledger.record(chunk, outcome(10, rows), 1);
  }
  await ledger.failures.saveOldest(12, save);
  await ledger.failures.saveOldest(12, save);
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
  expect([...ledger.failures.emailsTaken()]).toEqual([
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
  ledger.called({ calls: 3, reads: 0, throttled: 1 });
  ledger.called({ calls: 2, reads: 4, throttled: 1 });
  ledger.record(1, outcome(10, [failure(12, 'rejected')]), 1);
  expect([ledger.calls, ledger.reads, ledger.throttled]).toEqual([5, 4, 2]);
  const carried = new Ledger(structuredClone(ledger.carry()));
  expect(carried.carry()).toEqual(ledger.carry());
  expect(carried).toMatchObject({ calls: 5, reads: 4, throttled: 2, done: 1, failures: { olderIn: 'file:///older' } });
});
