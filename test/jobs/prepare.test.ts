import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { PreparedRows } from '../../src/contract/activities.ts';
import { CHUNK_SIZE, type Failure, FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { BadSource, type SourceRecord } from '../../src/jobs/sources/record.ts';
import { readFailures } from '../../src/jobs/failure-files.ts';
import { hasId, readIds } from '../../src/jobs/ids-file.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { jsonRecords } from '../../src/jobs/sources/json.ts';
import { textOf as decoded } from '../../src/jobs/sources/text.ts';
import { decodeRuns } from '../../src/contract/outcomes.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { cpuTimer } from '../support/cpu.ts';
import { all, inline, inPieces, newStorage } from './support.ts';

const keys = jobKeys({ storeHash: 'abc', key: 'run-1' }, 'run-1');
const customer = (id: number) => ({ id, notes: `note ${id}` });
let storage: Storage;

beforeEach(async () => {
  storage = await newStorage();
});

const run = (
  records: AsyncIterable<SourceRecord[]>,
  { limit = null }: { limit?: number | null } = {},
  onProgress?: (rows: number) => void,
) =>
  prepare({
    storage,
    keys,
    records,
    limit,
    ...(onProgress && { onProgress }),
  });

async function chunksOf({ chunks }: PreparedRows): Promise<{ rows: number[]; ids: number[] }[]> {
  const reader = new PageReader(storage);
  const list = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    const { rows, body } = await reader.readChunk(keys, chunk);
    list.push({ rows, ids: (JSON.parse(body) as { id: number }[]).map(({ id }) => id) });
  }
  return list;
}

async function files(): Promise<string[]> {
  const entries = await readdir(fileURLToPath(storage.root), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('an empty source makes an empty job', async () => {
  expect(await run(inline([]))).toEqual({
    total: 0,
    invalid: 0,
    valid: 0,
    chunks: 0,
    chunksToSend: 0,
    lastSentSize: 0,
    lastSize: 0,
    gaps: '',
    failures: [],
    olderIn: null,
  });
  expect(await files()).toEqual([]);
});

test('chunks hold ten customers each as they came, the last what is left', async () => {
  const customers = Array.from({ length: 23 }, (_, index) => customer(100 - index));
  const job = await run(inline(customers));
  expect(job).toMatchObject({
    total: 23,
    valid: 23,
    invalid: 0,
    chunks: 3,
    chunksToSend: 3,
    lastSentSize: 3,
    lastSize: 3,
  });
  expect((await new PageReader(storage).readChunk(keys, 1)).body).toBe(JSON.stringify(customers.slice(10, 20)));
});

test('every kind of invalid row is left out, and says why', async () => {
  const file = [
    '{"id":1,"notes":"a"}',
    'no JSON',
    '{"id":2,"nots":"a"}',
    '{"id":3,"form_fields":[{"name":"a"}]}',
    '{"id":4,"phone":5}',
    '{"id":1,"notes":"b"}',
    '{"id":5}',
    '{"id":6,"notes":"c"}',
  ].join('\n');
  const job = await run(jsonRecords(decoded(inPieces(file))));
  expect(job.failures.map(({ row, id, outcome, code }) => [row, id, outcome, code])).toEqual([
    [2, null, 'invalid', 'invalid_field'],
    [3, 2, 'invalid', 'unknown_field'],
    [4, 3, 'invalid', 'invalid_field'],
    [5, 4, 'invalid', 'invalid_field'],
    [6, 1, 'invalid', 'duplicate'],
    [7, 5, 'invalid', 'invalid_field'],
  ]);
  expect(job.failures[4]?.message).toBe('Expected one row a customer, got another one in row 1.');
  expect(job).toMatchObject({ total: 8, invalid: 6, valid: 2 });
  expect(await chunksOf(job)).toEqual([{ rows: [1, 8], ids: [1, 6] }]);
});

test('every other row of a customer is a duplicate of the first one that can be sent', async () => {
  const job = await run(inline([customer(2), customer(1), customer(1), customer(1)]));
  expect(job.failures.map(({ row, code, message }) => [row, code, message])).toEqual(
    [3, 4].map((row) => [row, 'duplicate', 'Expected one row a customer, got another one in row 2.']),
  );
});

test('an invalid row is not the first of its customer: the next one that can be sent is', async () => {
  const job = await run(inline([{ id: 1, phone: true }, customer(1), customer(1)]));
  expect(await chunksOf(job)).toEqual([{ rows: [2], ids: [1] }]);
  expect(job.failures.map(({ row, code }) => [row, code])).toEqual([
    [1, 'invalid_field'],
    [3, 'duplicate'],
  ]);
});

test('counts, chunks, gaps and failures are those of a plain model, whatever rows and limit', async () => {
  const row = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 2, arbitrary: fc.constant(0) },
  );
  const limit = fc.option(fc.integer({ min: 1, max: 50 }));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 90 }), limit, async (ids, most) => {
      const job = await run(inline(ids.map(customer)), { limit: most });

      const rows: number[] = [];
      ids.forEach((id, index) => {
        if (id > 0 && ids.indexOf(id) === index) rows.push(index + 1);
      });
      const chunks: number[][] = [];
      const sent = most === null ? rows : rows.slice(0, most);
      for (const part of [sent, rows.slice(sent.length)]) {
        for (let at = 0; at < part.length; at += CHUNK_SIZE) chunks.push(part.slice(at, at + CHUNK_SIZE));
      }
      const chunksToSend = Math.ceil(sent.length / CHUNK_SIZE);
      expect(await chunksOf(job)).toEqual(chunks.map((list) => ({ rows: list, ids: list.map((at) => ids[at - 1]) })));
      expect(job).toMatchObject({
        total: ids.length,
        valid: rows.length,
        invalid: ids.length - rows.length,
        chunks: chunks.length,
        chunksToSend,
        lastSentSize: chunks[chunksToSend - 1]?.length ?? 0,
        lastSize: chunks.at(-1)?.length ?? 0,
      });
      const gaps = decodeRuns(job.gaps, 2 * job.chunks);
      let before = 0;
      for (const [index, list] of chunks.entries()) {
        const first = before + (gaps[2 * index] as number) + 1;
        const last = first + list.length + (gaps[2 * index + 1] as number) - 1;
        expect([first, last]).toEqual([list[0], list.at(-1)]);
        before = last;
      }
      expect(job.failures.map((failure) => failure.row)).toEqual(
        ids.map((_, index) => index + 1).filter((at) => !rows.includes(at)),
      );
    }),
    { numRuns: 60 },
  );
});

test.each([
  [25, 3, 5, 1],
  [20, 2, 10, 6],
  [26, 3, 6, 10],
  [36, 4, 6, 6],
  [99, 4, 6, 6],
  [1, 1, 1, 5],
])('of 36 customers, a limit of %i sends %i chunks, the last with %i; the last of all has %i', async (...row) => {
  const [limit, chunksToSend, lastSentSize, lastSize] = row;
  const job = await run(inline(Array.from({ length: 36 }, (_, index) => customer(index + 1))), { limit });
  expect(job).toMatchObject({ valid: 36, chunksToSend, lastSentSize, lastSize });
});

test('the latest failures stay in state, older ones go to a file', async () => {
  const count = FAILURES_IN_STATE + 250;
  const job = await run(inline(new Array<unknown>(count).fill('x')));
  expect(job.failures.map(({ row }) => row)).toEqual(
    Array.from({ length: FAILURES_IN_STATE }, (_, index) => index + 251),
  );
  const older: Failure[] = await all(readFailures(storage, job.olderIn));
  expect(older.map(({ row }) => row)).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  expect((await run(inline(new Array<unknown>(FAILURES_IN_STATE).fill('x')))).olderIn).toBeNull();
});

test('a second attempt starts over and writes the same', async () => {
  const customers = Array.from({ length: 2_234 }, (_, index) => (index % 100 === 0 ? 'x' : customer(index)));
  let pieces = 0;
  async function* breaking() {
    for (const record of customers.map((value, index) => ({ row: index + 1, line: null, value }))) {
      if (++pieces === 2_100) throw new Error('the worker died');
      yield [record];
    }
  }
  await expect(run(breaking())).rejects.toThrow('the worker died');
  const first = await run(inline(customers));
  const pages = await Promise.all([0, 1].map((page) => textOf(storage, keys.page(page))));
  expect(await run(inline(customers))).toEqual(first);
  expect(await Promise.all([0, 1].map((page) => textOf(storage, keys.page(page))))).toEqual(pages);
});

test('a workflow that was reset prepares again, and has not ended any more', async () => {
  await storage.write(keys.done, ['{"by":"another run"}']);
  await run(inline([customer(1)]));
  expect(await storage.exists(keys.done)).toBe(false);
});

test('a preparation that was frozen until its run had ended leaves alone what that has ended with', async () => {
  await storage.write(keys.done, [`{"by":"${keys.run}"}`]);
  await run(inline([customer(1)]));
  expect(await storage.exists(keys.done)).toBe(true);
});

describe('what ends a preparation', () => {
  const many = Array.from({ length: 4_500 }, (_, index) => customer(index + 1));

  test('a source that breaks off: nothing is left', async () => {
    async function* broken() {
      yield* inline(many);
      yield* inline(new Array<unknown>(2 * FAILURES_IN_STATE).fill('x'));
      throw new BadSource('broken');
    }
    await expect(run(broken())).rejects.toThrow(BadSource);
    expect(await files()).toEqual([]);
  });

  test('a failure that may pass: pages stay until the job ends, for deleting them may fail as well', async () => {
    async function* failing() {
      yield* inline(many);
      throw new Error('the disk broke');
    }
    await expect(run(failing())).rejects.toThrow('the disk broke');
    expect(await files()).toEqual(['000000.ndjson', '000001.ndjson']);
  });

  test('what onProgress throws, and it is told the rows read', async () => {
    const seen: number[] = [];
    async function* batches() {
      yield* inline(many.slice(0, 10));
      yield many.slice(10, 20).map((value, index) => ({ row: index + 11, line: null, value }));
    }
    await run(batches(), {}, (rows) => seen.push(rows));
    expect(seen).toEqual([10, 20]);
    const cancelled = new Error('cancelled');
    const job = run(batches(), {}, () => {
      throw cancelled;
    });
    await expect(job).rejects.toBe(cancelled);
  });
});

describe('rows whose customers are found by e-mail address', () => {
  const byEmail = (rows: unknown[]) =>
    prepare({ storage, keys, records: inline(rows, { match: 'email' }), limit: null, match: 'email' });

  test('lie in the pages as they came, with their key as it is asked for', async () => {
    const job = await byEmail([
      { email: ' Ann@Example.com ', notes: 'a' },
      { email: 'b@x', new_email: 'c@x' },
      { id: 7, email: 'd@x', phone: '1' },
      { id: 8, new_email: 'e@x' },
    ]);
    expect(job).toMatchObject({ total: 4, valid: 4, invalid: 0 });
    expect(JSON.parse((await new PageReader(storage).readChunk(keys, 0)).body)).toEqual([
      { email: 'Ann@Example.com', notes: 'a' },
      { email: 'b@x', new_email: 'c@x' },
      { id: 7, email: 'd@x', phone: '1' },
      { id: 8, new_email: 'e@x' },
    ]);
  });

  test('are invalid without a key, with nothing but keys, with what is no address, and in conflict with an earlier one', async () => {
    const job = await byEmail([
      { notes: 'a' },
      { id: 1, email: 'a@x' },
      { email: 'nobody', notes: 'a' },
      { email: 'a@x', new_email: 'b' },
      { email: '', notes: 'a' },
      { email: 'a@x', notes: 'a' },
      { email: 'A@X', notes: 'b' },
      { email: 'c@x', nots: 'b' },
    ]);
    expect(job.failures.map(({ row, id, code, message }) => [row, id, code, message.slice(0, 90)])).toEqual([
      [1, null, 'invalid_field', 'Expected an e-mail address or an id, got neither.'],
      [2, 1, 'invalid_field', expect.stringContaining('besides the e-mail address and the id, got none.')],
      [3, null, 'invalid_field', 'email: expected an e-mail address, got text with no @.'],
      [4, null, 'invalid_field', 'new_email: expected an e-mail address, got text with no @.'],
      [5, null, 'invalid_field', "email: a blank e-mail address can't be cleared."],
      [7, null, 'duplicate', 'Expected one row a customer, got another one in row 6.'],
      [8, null, 'unknown_field', expect.stringContaining('is not a field')],
    ]);
    expect(job).toMatchObject({ total: 8, valid: 1, invalid: 7 });
  });

  test('leave the ids that they name in a file, sorted, of those that can be sent', async () => {
    await byEmail([
      { id: 70_000, notes: 'a' },
      { id: 2_147_483_647, email: 'a@x', notes: 'a' },
      { email: 'b@x', notes: 'a' },
      { id: 3, notes: 'a' },
      { id: 4 },
    ]);
    const ids = await readIds(storage, keys);
    expect([...ids]).toEqual([3, 70_000, 2_147_483_647]);
    expect([2, 3, 4, 70_000, 2_147_483_647, 2_147_483_646].map((id) => hasId(ids, id))).toEqual([
      ...[false, true, false],
      ...[true, true, false],
    ]);
    expect(hasId(await readIds(storage, jobKeys({ storeHash: 'abc', key: 'another' })), 3)).toBe(false);
  });

  test('and a job that goes by ids leaves no such file', async () => {
    await run(inline([customer(1)]));
    expect(await files()).toEqual(['000000.ndjson']);
  });

  test('take some thousands a second to prepare', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => ({ email: `customer${n}@example.com`, notes: 'n' }));
    const cpuMs = cpuTimer();
    expect(await byEmail(rows)).toMatchObject({ valid: 20_000 });
    expect(cpuMs()).toBeLessThan(4_000);
  });
});

test('a row by id that has only an address says how to find its customer by that', async () => {
  const { failures } = await run(
    inline([
      { email: 'a@x', notes: 'a' },
      { id: 1, new_email: 'b@x' },
    ]),
  );
  expect(failures.map(({ message }) => message)).toEqual([
    'id: expected a whole number from 1 to 2147483647, got nothing. To find customers by their e-mail addresses, start the ' +
      'job with --match email (match).',
    'new_email is for rows whose customers are found by e-mail address: start the job with --match email (match).',
  ]);
});

test('says how many calls it takes if fields and attributes go apart, of the chunks that are to be sent', async () => {
  const rows = (more: object) => Array.from({ length: 25 }, (_, index) => ({ id: index + 1, ...more }));
  expect((await run(inline(rows({ notes: 'n' })))).callsToSend).toBeUndefined();
  expect((await run(inline(rows({ 'attribute_id:1': 'x' })))).callsToSend).toBeUndefined();
  const all = rows({ notes: 'n', 'attribute_id:1': 'x', 'attribute_id:2': null });
  expect((await run(inline(all))).callsToSend).toBe(9);
  expect((await run(inline(all), { limit: 15 })).callsToSend).toBe(6);
  const byEmail = [
    { email: 'a@x.com', 'attribute_id:1': 'x' },
    { id: 2, email: 'b@x.com', 'attribute_id:1': null },
  ];
  expect(await prepare({ storage, keys, records: inline(byEmail), limit: null, match: 'email' })).toMatchObject({
    callsToSend: 2,
  });
});

test('says whether some row removes a value of an attribute: then customers are looked up before they are sent', async () => {
  const rows = [{ id: 1, 'attribute_id:1': '' }, ...[2, 3].map((id) => ({ id, 'attribute_id:1': 'x' }))];
  expect((await run(inline(rows))).removes).toBeUndefined();
  storage = await newStorage();
  expect((await run(inline([...rows, { id: 4, 'attribute_id:1': null }]))).removes).toBe(true);
  storage = await newStorage();
  // A second row of a customer is not sent.
  expect((await run(inline([...rows, { id: 1, 'attribute_id:1': null }]))).removes).toBeUndefined();
});
