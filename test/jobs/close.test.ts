import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { Failure } from '../../src/contract/job.ts';
import { closeJob } from '../../src/jobs/close.ts';
import { saveFailures } from '../../src/jobs/failure-files.ts';
import { jobKeys, sourceCopyKey } from '../../src/jobs/keys.ts';
import { BadPage } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { type ChunkCode, encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { killWhileWriting } from '../storage/kill-while-writing.ts';
import { inline, newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(job);
const OPTIONS = {
  dryRun: false,
  limit: null,
  reportAll: false,
  backup: false,
  skipUnchanged: false,
  blankCells: 'keep',
  match: 'id',
} as const;
const HEADING = 'row,line,id,outcome,code,message\n';
const DONE: ChunkCode = { state: 'done', rejected: 0, failed: 0, attempts: 1 };
const UNPROCESSED: ChunkCode = { state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 };

let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

type Ending = Parameters<typeof closeJob>[2];

/** A prepared job of these rows, whose chunks ended like this. */
async function ended(rows: unknown[], chunks: ChunkCode[], more: Partial<Ending> = {}): Promise<Ending> {
  const limit = more.options?.limit ?? null;
  const { failures, olderIn, ...plan } = await prepare({ storage, keys, records: inline(rows), limit });
  expect(plan.chunks).toBe(chunks.length);
  return {
    job,
    id: 'customer-updates/abc/first-try',
    source: { customers: rows },
    readAgain: async () => inline(rows),
    isLastTry: false,
    options: OPTIONS,
    plan,
    outcomes: encodeRuns(chunks.map(encodeChunk)),
    lookUps: NO_LOOK_UPS,
    olderIn,
    maybeSent: [],
    ...more,
    failures: [...failures, ...(more.failures ?? [])],
  };
}

const customers = (count: number) => Array.from({ length: count }, (_, index) => ({ id: 101 + index, notes: 'x' }));

const rejected = (row: number, id: number, message = 'The id does not exist.'): Failure => {
  return { row, line: null, id, outcome: 'rejected', code: 'unknown_id', message };
};
const failed = (row: number, id: number): Failure => {
  return { row, line: null, id, outcome: 'failed', code: 'unavailable', message: 'No answer.' };
};

async function files(): Promise<string[]> {
  const entries = await readdir(fileURLToPath(storage.root), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

test('leaves only the heading, and nothing to retry, if every row was updated', async () => {
  const closed = await closeJob(storage, 'run-1', await ended(customers(25), [DONE, DONE, DONE]));
  expect(closed).toEqual({ report: storage.uri(keys.report), retry: null, fix: null, changes: null, notes: [] });
  expect(await textOf(storage, keys.report)).toBe(HEADING);
  expect(await files()).toEqual(['done.json', 'report.csv']);
});

test('closes a job that never had a row, or was never prepared', async () => {
  expect(await closeJob(storage, 'run-1', await ended([], []))).toEqual({
    report: storage.uri(keys.report),
    retry: null,
    fix: null,
    changes: null,
    notes: [],
  });
  expect(await textOf(storage, keys.report)).toBe(HEADING);
});

test('has a line for every row that was not updated, in order, and retries failed and unprocessed ones', async () => {
  const rows: unknown[] = customers(22);
  rows[1] = { id: 102, phone: true };
  const closed = await closeJob(
    storage,
    'run-1',
    await ended(rows, [{ ...DONE, rejected: 1, failed: 1 }, DONE, UNPROCESSED], {
      failures: [failed(5, 105), rejected(3, 103)],
    }),
  );
  expect(await textOf(storage, keys.report)).toBe(
    HEADING +
      '2,,102,invalid,invalid_field,"phone: expected text, got true or false."\n' +
      '3,,103,rejected,unknown_id,The id does not exist.\n' +
      '5,,105,failed,unavailable,No answer.\n' +
      '22,,122,unprocessed,cancelled,Not sent: the job was cancelled.\n',
  );
  expect(closed.retry).toBe(storage.uri(keys.retry));
  expect(await textOf(storage, keys.retry)).toBe('{"id":105,"notes":"x"}\n{"id":122,"notes":"x"}\n');
});

test('has a line for every row on request, without code and message if it was updated', async () => {
  const options = { ...OPTIONS, reportAll: true };
  await closeJob(storage, 'run-1', await ended([...customers(2), 'x'], [DONE], { options }));
  expect(await textOf(storage, keys.report)).toBe(
    `${HEADING}1,,101,updated,,\n2,,102,updated,,\n` +
      '3,,,invalid,invalid_field,"expected an object with the fields of a customer, got text."\n',
  );
});

test.each([
  [{ ...OPTIONS, dryRun: true }, [UNPROCESSED, UNPROCESSED], ['the job was a dry run', 'the job was a dry run']],
  [{ ...OPTIONS, limit: 10 }, [DONE, UNPROCESSED], [undefined, 'the job was limited to 10 customers']],
  [
    { ...OPTIONS, limit: 10 },
    [UNPROCESSED, UNPROCESSED],
    ['the job was cancelled', 'the job was limited to 10 customers'],
  ],
  [
    OPTIONS,
    [{ ...UNPROCESSED, state: 'pending' as const }, UNPROCESSED],
    ['the job was cancelled', 'the job was cancelled'],
  ],
])('says why rows were not sent: %j', async (options, chunks, reasons) => {
  await closeJob(storage, 'run-1', await ended(customers(20), chunks, { options }));
  const lines = parse(await textOf(storage, keys.report)).slice(1);
  for (const [chunk, reason] of reasons.entries()) {
    const found = lines.filter(([row]) => Math.floor((Number(row) - 1) / 10) === chunk).map((line) => line.slice(3));
    expect(found).toEqual(
      reason ? Array.from({ length: 10 }, () => ['unprocessed', 'cancelled', `Not sent: ${reason}.`]) : [],
    );
  }
});

test('says that rows whose answer never came may have been sent', async () => {
  const { retry } = await closeJob(
    storage,
    'run-1',
    await ended(customers(20), [UNPROCESSED, UNPROCESSED], { maybeSent: [1] }),
  );
  const messages = parse(await textOf(storage, keys.report))
    .slice(1)
    .map((line) => line.slice(3).join());
  const maybe = 'unprocessed,cancelled,It may have been sent: the job was cancelled before its answer came.';
  expect(messages).toEqual([
    ...Array.from({ length: 10 }, () => 'unprocessed,cancelled,Not sent: the job was cancelled.'),
    ...Array.from({ length: 10 }, () => maybe),
  ]);
  expect(retry).toBe(storage.uri(keys.retry));
});

test('keeps no new password: says which rows to send again from the source', async () => {
  const rows = [
    { id: 1, authentication: { new_password: 's3cret' } },
    { id: 2, authentication: { force_password_reset: true } },
    { id: 3, authentication: { new_password: 's3cret' } },
    { id: 4, authentication: { new_password: 's3cret' } },
  ];
  const failures = [failed(1, 1), rejected(4, 4)];
  await closeJob(storage, 'run-1', await ended(rows, [{ ...UNPROCESSED }], { failures }));
  const password = 'It has a new password, which is not kept: send it again from the source.';
  expect(await textOf(storage, keys.report)).toBe(
    HEADING +
      `1,,1,failed,unavailable,"No answer. ${password}"\n` +
      '2,,2,unprocessed,cancelled,Not sent: the job was cancelled.\n' +
      `3,,3,unprocessed,cancelled,"Not sent: the job was cancelled. ${password}"\n` +
      '4,,4,rejected,unknown_id,The id does not exist.\n',
  );
  expect(await textOf(storage, keys.retry)).toBe('{"id":2,"authentication":{"force_password_reset":true}}\n');
});

test('has nothing to retry if all failed rows have a new password', async () => {
  const rows = [{ id: 1, authentication: { new_password: 's3cret' } }];
  expect((await closeJob(storage, 'run-1', await ended(rows, [UNPROCESSED]))).retry).toBeNull();
  expect(await files()).toEqual(['done.json', 'report.csv']);
});

test('names no report of a source that could not be read, unless an earlier run has written one', async () => {
  const unread = { ...(await ended([], [])), unread: true };
  expect(await closeJob(storage, 'run-1', unread)).toMatchObject({ report: null, retry: null, fix: null });
  expect(await files()).toEqual(['done.json']);
  await storage.delete(keys.done);
  const first = await closeJob(storage, 'run-1', await ended(customers(1), [UNPROCESSED]));
  expect(await closeJob(storage, 'run-2', unread)).toMatchObject({ report: first.report });
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('keeps %j from being a formula', async (message) => {
  await closeJob(
    storage,
    'run-1',
    await ended(customers(1), [{ ...DONE, rejected: 1 }], { failures: [rejected(1, 101, message)] }),
  );
  expect(parse(await textOf(storage, keys.report))[1]?.[5]).toBe(`'${message}`);
});

test('puts failures from files and state in order; if a row is in several, the newest counts', async () => {
  const first = await saveFailures(storage, keys.failures('a'), [rejected(9, 109), rejected(2, 102, 'old')], null);
  const olderIn = await saveFailures(
    storage,
    keys.failures('b'),
    [rejected(4, 104, 'old'), rejected(2, 102, 'new')],
    first,
  );
  const failures = [rejected(10, 110), rejected(4, 104, 'newest'), rejected(1, 101)];
  await closeJob(storage, 'run-1', await ended(customers(10), [{ ...DONE, rejected: 5 }], { failures, olderIn }));
  const lines = parse(await textOf(storage, keys.report)).slice(1);
  expect(lines.map(([row, , , , , message]) => [Number(row), message])).toEqual([
    [1, 'The id does not exist.'],
    [2, 'new'],
    [4, 'newest'],
    [9, 'The id does not exist.'],
    [10, 'The id does not exist.'],
  ]);
  expect(await files()).toEqual(['a.ndjson', 'b.ndjson', 'done.json', 'fix.ndjson', 'report.csv']);
});

test('accounts for every row exactly once, whatever became of it', async () => {
  const fate = fc.constantFrom('updated', 'rejected', 'failed', 'invalid', 'unprocessed');
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 60 }), fc.boolean(), fc.nat(5), async (fates, reportAll, split) => {
      storage = await newStorage();
      const rows = fates.map((what, index) => (what === 'invalid' ? 'x' : { id: index + 1, notes: 'x' }));
      const valid = fates.flatMap((what, index) => (what === 'invalid' ? [] : [{ what, row: index + 1 }]));
      // One unprocessed row makes its whole chunk unprocessed.
      const chunks: ChunkCode[] = [];
      const failures: Failure[] = [];
      const expected = new Map(fates.map((what, index) => [index + 1, what]));
      for (let at = 0; at < valid.length; at += 10) {
        const chunk = valid.slice(at, at + 10);
        if (chunk.some(({ what }) => what === 'unprocessed')) {
          chunks.push(UNPROCESSED);
          for (const { row } of chunk) expected.set(row, 'unprocessed');
          continue;
        }
        const count = (outcome: string) => chunk.filter(({ what }) => what === outcome).length;
        chunks.push({ ...DONE, rejected: count('rejected'), failed: count('failed') });
        for (const { what, row } of chunk) {
          if (what === 'rejected') failures.push(rejected(row, row));
          if (what === 'failed') failures.push(failed(row, row));
        }
      }
      const saved = failures.filter(({ row }) => row % 6 < split);
      const olderIn = await saveFailures(storage, keys.failures('0001'), saved, null);
      const atHand = failures.filter((failure) => !saved.includes(failure));
      const options = { ...OPTIONS, reportAll };
      await closeJob(storage, 'run-1', await ended(rows, chunks, { options, failures: atHand, olderIn }));

      const lines = parse(await textOf(storage, keys.report)).slice(1);
      const all = [...expected].filter(([, what]) => reportAll || what !== 'updated');
      expect(lines.map(([row, , , outcome]) => [Number(row), outcome])).toEqual(all);
      const again = [...expected].filter(([, what]) => what === 'failed' || what === 'unprocessed');
      const retry = again.length > 0 ? await textOf(storage, keys.retry) : '';
      expect(retry).toBe(again.map(([row]) => `{"id":${row},"notes":"x"}\n`).join(''));
    }),
    { numRuns: 40 },
  );
});

describe('what is deleted', () => {
  const copy = sourceCopyKey('abc', 'first-try', 'a.csv');

  test.each([
    ['our own copy of the source', copy, false],
    ["somebody's own file beside it", 'sources/a.csv', true],
    ['any other file', 'elsewhere/a.csv', true],
  ])('%s: %s stays: %j', async (_, key, stays) => {
    await storage.write(key, ['x']);
    await closeJob(storage, 'run-1', await ended(customers(1), [DONE], { source: { uri: storage.uri(key) } }));
    expect(await storage.exists(key)).toBe(stays);
  });

  test('not a source in another place', async () => {
    const other = await newStorage();
    await other.write(copy, ['x']);
    await closeJob(storage, 'run-1', await ended(customers(1), [DONE], { source: { uri: other.uri(copy) } }));
    expect(await other.exists(copy)).toBe(true);
  });
});

describe('called again', () => {
  /** A job with everything: two pages, a chain of failure files, a copy of the source, something to retry. */
  async function everything(): Promise<Ending> {
    const uri = storage.uri(sourceCopyKey('abc', 'first-try', 'a.csv'));
    await storage.write(sourceCopyKey('abc', 'first-try', 'a.csv'), ['x']);
    const first = await saveFailures(storage, keys.failures('0001'), [failed(3, 103)], null);
    const olderIn = await saveFailures(storage, keys.failures('0002'), [rejected(4, 104)], first);
    const chunks = Array.from({ length: 101 }, () => DONE);
    chunks[0] = { ...DONE, rejected: 1, failed: 1 };
    chunks[100] = UNPROCESSED;
    return ended(customers(1_001), chunks, { source: { uri }, olderIn });
  }

  /** The storage, for this many changes; then it is as if the process died, before or after the next change. */
  function dying(changes: number, after: boolean): Storage {
    const { root } = storage;
    let left = changes;
    const change = async (run: () => Promise<void>) => {
      if (left < 0 || (left === 0 && !after)) throw new Error('died');
      await run();
      if (left-- === 0) throw new Error('died');
    };
    return {
      root,
      read: (key) => storage.read(key),
      write: (key, content) => change(() => storage.write(key, content)),
      async writeOnce(key, bytes) {
        let written = false;
        await change(async () => void (written = await storage.writeOnce(key, bytes)));
        return written;
      },
      deleteHalfWritten: (key) => storage.deleteHalfWritten(key),
      delete: (key) => change(() => storage.delete(key)),
      async deleteBelow(folder, signal) {
        let deleted = 0;
        await change(async () => void (deleted = await storage.deleteBelow(folder, signal)));
        return deleted;
      },
      exists: (key) => storage.exists(key),
      uri: (key) => storage.uri(key),
      keyOf: (uri) => storage.keyOf(uri),
    };
  }

  test('after a crash at any point, it continues and returns the same', async () => {
    const expected = await closeJob(storage, 'run-1', await everything());
    const report = await textOf(storage, keys.report);
    const retry = await textOf(storage, keys.retry);
    expect(report.split('\n')).toHaveLength(5);
    let crashes = 0;
    for (let changes = 0, died = true; died; changes++) {
      died = false;
      for (const after of [false, true]) {
        storage = await newStorage();
        const ending = await everything();
        const first = closeJob(dying(changes, after), 'run-1', ending);
        await first.catch((error: Error) => {
          expect(error.message).toBe('died');
          died = true;
          crashes++;
        });
        const closed = await closeJob(storage, 'run-1', ending);
        const { report: reportKey, retry: retryKey, fix } = keys;
        const uris = [reportKey, retryKey, fix.ndjson].map((key) => storage.uri(key));
        expect([closed.report, closed.retry, closed.fix]).toEqual(uris);
        expect(Object.keys(closed)).toEqual(Object.keys(expected));
        expect(await textOf(storage, keys.report)).toBe(report);
        expect(await textOf(storage, keys.retry)).toBe(retry);
        expect(await files()).toEqual([
          '0001.ndjson',
          '0002.ndjson',
          'done.json',
          'fix.ndjson',
          'report.csv',
          'retry.ndjson',
        ]);
      }
    }
    // Four writes; two folders and a copy to delete; each before and after.
    expect(crashes).toBe(14);
  });

  test('it leaves nothing that killed attempts have half written, and what other jobs are writing', async () => {
    const other = jobKeys({ storeHash: 'abc', key: 'run-2' });
    await killWhileWriting(storage.root, [keys.report, keys.failures('0007'), keys.backup, keys.done, other.backup]);
    await closeJob(storage, 'run-1', await ended(customers(5), [DONE]));
    expect(await files()).toEqual(['done.json', 'report.csv', expect.stringMatching(/^run-2\.ndjson\..*\.partial$/)]);
  });

  test('once done.json exists, it writes nothing and only deletes', async () => {
    const ending = await everything();
    const closed = { report: 'x:report', retry: null };
    await storage.write(keys.done, [JSON.stringify({ by: 'run-1', ...closed })]);
    expect(await closeJob(storage, 'run-1', ending)).toEqual(closed);
    expect(await files()).toEqual(['0001.ndjson', '0002.ndjson', 'done.json']);
  });

  test('if another run of the workflow closed the job before it was reset, it writes everything again', async () => {
    const ending = await everything();
    await closeJob(storage, 'run-1', ending);
    const nothingDone = encodeRuns(Array.from({ length: 101 }, () => encodeChunk(UNPROCESSED)));
    // The pages are gone, and with them what to send again.
    const again = { ...ending, outcomes: nothingDone, failures: [], olderIn: null };
    expect(await closeJob(storage, 'run-2', again)).toEqual({
      report: storage.uri(keys.report),
      retry: null,
      fix: null,
      changes: null,
      notes: [],
    });
    expect((await textOf(storage, keys.report)).match(/unprocessed/g)).toHaveLength(1_001);
    expect(await files()).not.toContain('retry.ndjson');
  });

  test('an attempt that wakes up while the run after a reset closes the job again writes nothing', async () => {
    const ending = await everything();
    let woken: unknown;
    const frozen = dying(Infinity, false);
    frozen.write = async (key, content) => {
      await closeJob(storage, 'run-1', ending);
      const second = dying(Infinity, false);
      second.write = async (theirs, text) => {
        if (theirs === keys.report) woken = await storage.write(key, content).catch((error: unknown) => error);
        await storage.write(theirs, text);
      };
      await closeJob(second, 'run-2', ending);
      throw woken;
    };
    await expect(closeJob(frozen, 'run-1', ending)).rejects.toThrow(BadPage);
    expect(woken).toBeInstanceOf(BadPage);
    expect(await textOf(storage, keys.done)).toMatch(/"by":"run-2"/);
  });

  test('if another run found its source gone, what was written stays', async () => {
    const ending = await everything();
    const closed = await closeJob(storage, 'run-1', ending);
    const report = await textOf(storage, keys.report);
    const plan = { ...ending.plan, total: 0, valid: 0, chunks: 0, chunksToSend: 0, gaps: '' };
    const again = { ...ending, plan, outcomes: '', failures: [], olderIn: null };
    expect(await closeJob(storage, 'run-2', again)).toEqual(closed);
    expect(await textOf(storage, keys.report)).toBe(report);
    expect(await files()).toContain('retry.ndjson');
  });

  test('if an attempt that Temporal has given up deletes what it is reading, it returns what that one did', async () => {
    const ending = await everything();
    const reading: Storage = dying(Infinity, false);
    reading.write = async (key, content) => {
      if (key === keys.report) await closeJob(storage, 'run-1', ending);
      await storage.write(key, content);
    };
    expect(await closeJob(reading, 'run-1', ending)).toEqual({
      report: storage.uri(keys.report),
      retry: storage.uri(keys.retry),
      fix: storage.uri(keys.fix.ndjson),
      changes: null,
      notes: [],
    });
    expect((await textOf(storage, keys.report)).split('\n')).toHaveLength(5);
  });
});

test('rows of a missing page have a line in the report, but no id and no place in the retry file', async () => {
  const rows: unknown[] = customers(2_020);
  rows[2_004] = 'invalid';
  const chunks = Array.from({ length: 202 }, () => DONE);
  chunks[200] = chunks[201] = UNPROCESSED;
  const job = await ended(rows, chunks);
  await storage.delete(keys.page(1));
  const { retry } = await closeJob(storage, 'run-1', job);
  expect(retry).toBeNull();
  const lines = (await textOf(storage, keys.report)).trim().split('\n').slice(1);
  expect(lines.map((line) => line.split(',').slice(0, 5).join())).toEqual(
    Array.from({ length: 20 }, (_, index) =>
      index === 4 ? '2005,,,invalid,invalid_field' : `${index + 2_001},,,unprocessed,cancelled`,
    ),
  );
  expect(lines[0]).toMatch(/page in the job store is missing or damaged: send it again from the source/);
});

test('the pages of a job that ended while it was being prepared are deleted too', async () => {
  const rows = customers(2_500);
  await prepare({ storage, keys, records: inline(rows), limit: null });
  await closeJob(storage, 'run-1', await ended([], []).then((none) => ({ ...none, source: { customers: rows } })));
  expect(await files()).toEqual(['done.json', 'report.csv']);
});
