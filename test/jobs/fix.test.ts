import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { ClosedJob } from '../../src/contract/activities.ts';
import type { Failure } from '../../src/contract/job.ts';
import { NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { type ChunkCode, encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import { type FullOptions, jobOptionsSchema } from '../../src/contract/schema.ts';
import { closeJob, purgeJob } from '../../src/jobs/close.ts';
import { jsonRow } from '../../src/jobs/fix-rows.ts';
import { writeFix } from '../../src/jobs/fix.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { guarded, plainText } from '../../src/jobs/sources/cell-text.ts';
import type { SourceRecord } from '../../src/jobs/sources/record.ts';
import { openSource } from '../../src/jobs/sources/source.ts';
import { isBlank } from '../../src/jobs/sources/text.ts';
import { type Storage, StorageFailed } from '../../src/storage/storage.ts';
import { textOf } from '../storage/conformance.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';
import { all, inline, newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const id = 'customer-updates/abc/spring';
const keys = jobKeys(job);

let runs = 0;
let storage: Storage;
beforeEach(async () => {
  storage = await newStorage();
});

interface Ending {
  options?: Partial<FullOptions>;
  /** Rows that the store rejects. */
  rejected?: number[];
  /** Happens after the source was read. */
  meanwhile?: () => Promise<unknown>;
  again?: (digest: (sha256: string) => void) => Promise<AsyncIterable<SourceRecord[]>>;
  isLastTry?: boolean;
}

/** Reads the source at `key`, sends nothing, and closes the job. */
async function close(key: string, { rejected = [], isLastTry = false, meanwhile, again, ...more }: Ending = {}) {
  const options = jobOptionsSchema.parse(more.options ?? {});
  let digest: string | undefined;
  const open = (onDigest: (sha256: string) => void) =>
    openSource({ uri: storage.uri(key) }, [storage], { ...options, digest: onDigest });
  const records = open((sha256) => (digest = sha256));
  const { failures, olderIn, ...plan } = await prepare({ storage, keys, records, limit: null, match: options.match });
  await meanwhile?.();
  const unsent: ChunkCode = { state: 'unprocessed', rejected: 0, failed: 0, attempts: 0 };
  const outcomes = encodeRuns(Array.from({ length: plan.chunks }, () => encodeChunk(unsent)));
  // A job that is closed twice was reset meanwhile.
  return closeJob(storage, `run-${++runs}`, {
    ...{ job, id, options, olderIn, outcomes, lookUps: NO_LOOK_UPS, maybeSent: [], isLastTry },
    source: { uri: storage.uri(key) },
    plan: digest === undefined ? plan : { ...plan, digest },
    failures: [...failures, ...rejected.map(unknown)],
    readAgain: again ?? (async (onDigest) => open(onDigest)),
  });
}

const unknown = (row: number): Failure => ({
  ...{ row, line: null, id: row, outcome: 'rejected', code: 'unknown_id', message: 'No such customer.' },
});

/** The fix file of a source with this content, and what the job says. */
async function fixOf(name: string, content: string | Uint8Array, ending: Ending = {}) {
  await storage.write(`sources/${name}`, [content]);
  const { fix, notes } = await close(`sources/${name}`, ending);
  const key = name.includes('json') ? keys.fix.ndjson : keys.fix.csv;
  expect(fix).toBe(fix === null ? null : storage.uri(key));
  return { text: fix === null ? null : (await textOf(storage, key)).replace(/^\uFEFF/, ''), notes };
}

const lines = (text: string | null) => (text ?? '').split(/\r?\n/).slice(0, -1);

test('has the rejected and invalid rows, in the columns and the words of the source', async () => {
  const csv = 'Customer ID;Phone;Notes\n1;+44 20;a\n2;0173;"b;c"\nx; y ;"d ""e"""\n4;-;f\n';
  const { text, notes } = await fixOf('a.csv', csv, { rejected: [2] });
  expect(lines(text)).toEqual([
    'Customer ID;Phone;Notes;error_code;error',
    '2;0173;"b;c";unknown_id;No such customer.',
    expect.stringMatching(/^x;" y ";"d ""e""";invalid_field;id: expected /),
  ]);
  expect(notes).toEqual([]);
});

test('has objects as they are, each on a line', async () => {
  const json =
    '{"data":[{"id":1,"notes":"a"},\n {"id": "x",\r\n  "phone":12345678901234567890, "Notes":"\\u00e9 }"},{}]}';
  const { text } = await fixOf('a.json', json, { rejected: [1] });
  expect(lines(text)).toEqual([
    '{"id":1,"notes":"a","error_code":"unknown_id","error":"No such customer."}',
    expect.stringMatching(
      /^\{"id": "x", "phone":12345678901234567890, "Notes":"\\u00e9 \}","error_code":"invalid_field",/,
    ),
    expect.stringMatching(/^\{"error_code":"invalid_field","error":"id: /),
  ]);
});

describe('customers who are found by e-mail address', () => {
  const options = { match: 'email' } as const;
  const rejected = [1, 3];

  test('are named by their ids as well where these are known, in a column for it', async () => {
    const csv = 'Email;Notes\na@x;a\nb@x;b\nc@x;c\nd@x;d;e\nA@x;dup\n';
    const { text, notes } = await fixOf('a.csv', csv, { options, rejected });
    expect(lines(text)).toEqual([
      'Email;Notes;id;error_code;error',
      'a@x;a;1;unknown_id;No such customer.',
      'c@x;c;3;unknown_id;No such customer.',
      expect.stringMatching(/^d@x;d;;invalid_field;.*;e$/),
    ]);
    expect(notes).toEqual([
      'Rows not in the file of rows to correct: 1 whose customer has an earlier row, or an address of one.',
    ]);
  });

  test('keep the ids that the source has', async () => {
    const csv = 'Notes,Customer ID,Email\na,7,a@x\nb,,b@x\nc, ,c@x\n';
    const { text } = await fixOf('a.csv', csv, { options, rejected });
    expect(lines(text).slice(1)).toEqual([
      'a,7,a@x,unknown_id,No such customer.',
      'c,3,c@x,unknown_id,No such customer.',
    ]);
  });

  test('and so in JSON', async () => {
    const json = '{"email":"a@x","notes":"a"}\n{"email":"b@x","notes":"b"}\n{"id":9,"email":"c@x","notes":"c"}\n';
    const { text } = await fixOf('a.ndjson', json, { options, rejected });
    expect(lines(text)).toEqual([
      '{"email":"a@x","notes":"a","id":1,"error_code":"unknown_id","error":"No such customer."}',
      '{"id":9,"email":"c@x","notes":"c","error_code":"unknown_id","error":"No such customer."}',
    ]);
  });
});

test('has a line that is not an object below "text"', async () => {
  const { text } = await fixOf('a.ndjson', '{"id":1,"notes":"a"}\n{"id":2,"notes":"b\n[3]\n');
  expect(lines(text).map((line) => JSON.parse(line) as unknown)).toEqual([
    { text: '{"id":2,"notes":"b', error_code: 'invalid_field', error: expect.stringContaining('line 2') },
    { text: '[3]', error_code: 'invalid_field', error: expect.any(String) },
  ]);
});

test('has a quote that was wrong as an ordinary character', async () => {
  const { text } = await fixOf('a.csv', 'id,notes\n401,"tall\n402,5" pipe\n403,a\n');
  expect(lines(text)).toEqual([
    'id,notes,error_code,error',
    expect.stringMatching(/^401,"""tall",invalid_field,/),
    expect.stringMatching(/^402,"5"" pipe",invalid_field,/),
  ]);
});

test('has a line that may lie inside a cell where it is no row', async () => {
  const { text } = await fixOf('a.csv', 'id,notes\n261,"Lives at\n12,Main Street\nLeeds" now\n');
  expect(lines(text)).toEqual([
    'id,notes,error_code,error',
    expect.stringMatching(/^261,"""Lives at",/),
    expect.stringMatching(/^,,invalid_field,Line 3 may lie inside .*,"12,Main Street"$/),
    expect.stringMatching(/^,,invalid_field,Line 4 may lie inside .*,"Leeds"" now"$/),
  ]);
});

test('a cell that was held is whole, and held again', async () => {
  const held = 'id,notes\r\n261,"Lives at\n12,Main Street\nLeeds"\r\n';
  const { text } = await fixOf('a.csv', held);
  expect(text).toContain('261,"Lives at\n12,Main Street\nLeeds",invalid_field,');
  const again = await fixOf('b.csv', text as string);
  expect(again.text?.replaceAll(/Line \d+.*line \d+,/g, '')).toBe(text?.replaceAll(/Line \d+.*line \d+,/g, ''));
  expect((await fixOf('c.csv', text as string, { options: { trustQuotes: true } })).text).toBeNull();
});

test('cells that are too many stay too many', async () => {
  const { text } = await fixOf('a.csv', 'id,notes,\n5,a,b,c\n6,a,,\n');
  expect(lines(text)).toEqual(['id,notes,error_code,error', expect.stringMatching(/^5,a,invalid_field,.*,b,c$/)]);
});

test('columns of an earlier fix file are replaced', async () => {
  const csv = 'error,id,Error Code,notes\nold,x,old,"a"\n';
  expect(lines((await fixOf('a.csv', csv)).text)).toEqual([
    'id,notes,error_code,error',
    expect.stringMatching(/^x,a,invalid_field,/),
  ]);
  const ndjson = '{"id":"x","n":1,"error_code":"old","error":"old \\" }"}\n{"error":"old","id":"y","n":12}\n';
  expect(lines((await fixOf('a.ndjson', ndjson)).text)).toEqual([
    expect.stringMatching(/^\{"id":"x","n":1,"error_code":"invalid_field","error":"[^"]*"\}$/),
    expect.stringMatching(/^\{"id":"y","n":12,"error_code":"invalid_field","error":"[^"]*"\}$/),
  ]);
});

test('a column that is called "error" can still be a field', async () => {
  const options = { columns: { error: 'notes' } };
  const { text } = await fixOf('a.csv', 'id,error\nx,a\n', { options });
  expect(lines(text)[0]).toBe('id,error,error_code,error');
});

test.each([
  [
    'CSV',
    'a.csv',
    `id,notes,authentication\n1,a,"{""new_password"":""secret""}"\n2,b,"{""force_password_reset"":true}"\n`,
  ],
  [
    'CSV whose password can not be read',
    'a.csv',
    'id,notes,authentication\n1,a,secret\n2,b,"{""force_password_reset"":true}"\n',
  ],
  [
    'CSV whose row can not be read',
    'a.csv',
    'id,notes,authentication\n1,"a,secret\n2,b,"{""force_password_reset"":true}"\n',
  ],
  ['NDJSON', 'a.ndjson', '{"id":1,"Authentication":{"new\\u005fpassword":"secret"}}\n{"id":2,"notes":"b"}\n'],
  [
    'NDJSON whose row can not be read',
    'a.ndjson',
    '{"id":2,"notes":"b"}\n{"id":1,"authentication":{"new password":"secret}}\n',
  ],
])('leaves out a row with a new password, and says so: %s', async (_, name, content) => {
  const { text, notes } = await fixOf(name, content, { rejected: [1, 2] });
  expect(text).not.toContain('secret');
  expect(lines(text)).toHaveLength(name.endsWith('.csv') ? 2 : 1);
  expect(notes).toEqual(['Rows not in the file of rows to correct: 1 with a new password, which is not kept.']);
});

test('leaves out what would be sent, or cleared, if nobody corrected it', async () => {
  const csv = 'id,notes,phone\n5,a,1\n5,b,2\n6,c\n8,,x\n7,"d\n';
  const { text, notes } = await fixOf('a.csv', csv, { rejected: [3, 4], options: { blankCells: 'clear' } });
  expect(lines(text)).toEqual([
    'id,notes,phone,error_code,error',
    '8,,x,unknown_id,No such customer.',
    expect.stringMatching(/^,,,invalid_field,.*,"7,""d"$/),
  ]);
  expect(notes?.[0]).toMatch(/: 1 whose customer has an earlier row; 1 with fewer cells /);
});

test('leaves out a record that is too long', async () => {
  const { text, notes } = await fixOf('a.ndjson', `{"id":1}\n{"id":2,"notes":"${'x'.repeat(1024 * 1024)}"}\n`);
  expect(lines(text)).toHaveLength(1);
  expect(notes?.[0]).toMatch(/: 1 too long to be written\./);
});

test('there is none if every row was sent, and the source is not read again', async () => {
  const again = () => Promise.reject(new Error('not expected'));
  expect(await fixOf('a.csv', 'id,notes\n1,a\n', { again })).toEqual({ text: null, notes: [] });
});

describe('there is none, and the job says so, if the source', () => {
  const content = 'id,notes\n1,a\nx,b\n';
  const NONE = {
    text: null,
    notes: [
      'There is no file of the rows to correct: the source has changed since the job read it, or is no longer there.',
    ],
  };
  const meanwhile = (change: () => Promise<unknown>) => fixOf('a.csv', content, { meanwhile: change });

  test.each([
    ['has the same rows in another order', 'id,notes\nx,b\n1,a\n'],
    ['has changed after the last row that is wrong', `${content}2,c\n`],
    ['is shorter', 'id,notes\n'],
    ['is empty', ''],
    ['is of another kind', '%PDF-'],
  ])('%s', async (_, text) => {
    expect(await meanwhile(() => storage.write('sources/a.csv', [text]))).toEqual(NONE);
    expect(await storage.exists(keys.fix.csv)).toBe(false);
  });

  test('was deleted', async () => {
    expect(await meanwhile(() => storage.delete('sources/a.csv'))).toEqual(NONE);
  });

  test('can not be read, once that was tried a few times', async () => {
    const failure = new StorageFailed('No answer.');
    const again = () => Promise.reject(failure);
    await expect(fixOf('a.csv', content, { again })).rejects.toBe(failure);
    expect(await fixOf('a.csv', content, { again, isLastTry: true })).toEqual(NONE);
  });

  test('came with the start of a job and is not kept any more', async () => {
    expect(await fixOf('a.csv', content, { again: async () => inline([]) })).toEqual(NONE);
  });
});

test('customers that came inline are in NDJSON', async () => {
  await storage.write('sources/a.ndjson', ['{"id":1,"notes":"a"}\n"x"\n']);
  const { fix } = await close('sources/a.ndjson', {
    again: async (digest) => {
      const records = await all(
        openSource({ uri: storage.uri('sources/a.ndjson') }, [storage], { ...jobOptionsSchema.parse({}), digest }),
      );
      expect(records.flat()).toHaveLength(2);
      return inline([{ id: 1, notes: 'a' }, 'x']);
    },
  });
  expect(fix).toBe(storage.uri(keys.fix.ndjson));
  expect(JSON.parse(await textOf(storage, keys.fix.ndjson))).toMatchObject({ text: '"x"' });
});

test('only its owner may read it, a second attempt writes the same, and purge deletes it', async () => {
  await storage.write('sources/a.csv', ['id,notes\n1,a\nx,b\n']);
  const first: ClosedJob = await close('sources/a.csv');
  expect((await stat(fileURLToPath(first.fix as string))).mode & 0o777).toBe(0o600);
  expect(await close('sources/a.csv')).toEqual(first);
  await purgeJob(storage, job, id);
  expect(await storage.exists(keys.fix.csv)).toBe(false);
});

test('is UTF-8 with a byte order mark, whatever the source and the options are', async () => {
  const csv = Buffer.from('Kundennummer;Notes\nx;Zo\xeb\n', 'latin1');
  const options = { encoding: 'windows-1252', columns: { kundennummer: 'id' } };
  const { text } = await fixOf('a.csv.gz', gzipSync(csv), { options });
  expect(lines(text)[1]).toMatch(/^x;Zoë;/);
  const again = await fixOf('b.csv', `\uFEFF${text}`, { options });
  expect(again.text).toBe(text);
});

const signs = ['=', '+', '-', '@', "'", '"', '\t', '\r', '1', '.5', 'a', ' ', '\u00A0', '="', '＝', ','];
const cell = fc
  .array(fc.oneof(fc.constantFrom(...signs), fc.string({ maxLength: 2 })), { maxLength: 6 })
  .map((parts) => parts.join(''));

test(
  'no cell is a formula to a spreadsheet, and each is read as it was',
  () => {
    fc.assert(
      fc.property(cell, (text) => {
        expect(plainText(guarded(text))).toBe(plainText(text));
        expect(guarded(guarded(text))).toBe(guarded(text));
        expect(guarded(text).trimStart()).not.toMatch(/^[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/);
      }),
      { numRuns: RUNS },
    );
  },
  FUZZ_MS,
);

test.each(["'t Hooft", "'90s kid", 'a=b', '0173', ' a '])('leaves a cell such as %j alone', (text) => {
  expect(guarded(text)).toBe(text);
});

/** Cells as they are read, up to the last one that is not blank. */
function meant({ raw }: SourceRecord): unknown {
  if (typeof raw !== 'object') return raw;
  const cells = raw.cells.map((text) => plainText(text.toWellFormed()));
  return cells.slice(0, cells.findLastIndex((text) => !isBlank(text)) + 1);
}

const noise = fc.constantFrom(
  '"',
  '""',
  ',',
  ';',
  '\n',
  '\r\n',
  '=',
  "'",
  '1',
  '12',
  ' ',
  'a',
  '\u00E9',
  '-',
  '\uD800',
  '[',
);
const pieces = fc.array(
  fc.oneof(noise, fc.constantFrom('1,a\n', '2,"b\n3,c"\n', '4,"5"" x"\n', "'=6,d\n", '="7",e\n')),
  {
    maxLength: 40,
  },
);

test(
  'of any CSV file, it has the same cells for the same rows, and so does the fix file of a fix file',
  async () => {
    const options = jobOptionsSchema.parse({});
    const place = inMemory();
    const open = (key: string) => openSource({ uri: place.uri(key) }, [place], options);
    const read = async (key: string) => (await all(open(key))).flat();
    const fixed = async (key: string, rows: readonly SourceRecord[], to: string) => {
      const failures = rows.map(({ row }) => unknown(row));
      const ending = { ...NO_ROWS, failures, options, readAgain: async () => open(key) };
      const { fix } = await writeFix(place, keys, ending);
      if (fix !== null) await place.write(to, place.read(keys.fix.csv));
      return fix !== null;
    };
    await fc.assert(
      fc.asyncProperty(
        pieces,
        fc.constantFrom('id,notes', 'notes;id;phone', 'error,id,notes,'),
        async (parts, headings) => {
          await place.write('a.csv', [`${headings}\n${parts.join('')}`]);
          const rows = await read('a.csv').catch(() => []);
          const toFix = rows.filter(({ row }) => row % 2 === 0);
          expect(await fixed('a.csv', toFix, 'b.csv')).toBe(toFix.length > 0);
          if (toFix.length === 0) return;
          const again = await read('b.csv');
          expect(again.map(meant)).toEqual(toFix.map(meant));
          for (const [index, { problem, value }] of again.entries()) {
            const before = toFix[index] as SourceRecord;
            const wasDoubtful = isDoubtful(before);
            if (wasDoubtful) expect(problem).toBeDefined();
            // A cell over several lines may look as if it had swallowed rows of either width.
            else if (before.problem === undefined && !isDoubtful({ problem })) expect(value).toEqual(before.value);
          }
          await fixed('b.csv', again, 'c.csv');
          expect(await textOf(place, 'c.csv')).toBe(await textOf(place, 'b.csv'));
        },
      ),
      { numRuns: RUNS },
    );
  },
  FUZZ_MS,
);

test(
  'of any JSON, it has the same objects, and so does the fix file of a fix file',
  async () => {
    const values = fc.array(fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), KEYS), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 0, max: 3 }), async (list, space) => {
        const objects = list.map((value) => (typeof value === 'string' ? value : JSON.stringify(value, null, space)));
        const lines = objects
          .filter((raw) => raw.trim() !== '')
          .map((raw, row) => ({ raw, text: jsonRow(raw, unknown(row + 1)) }));
        for (const { raw, text } of lines) {
          expect(text.match(/\n/g)).toHaveLength(1);
          const { error_code, error, ...own } = JSON.parse(text) as Record<string, unknown>;
          expect({ error_code, error }).toEqual({ error_code: 'unknown_id', error: 'No such customer.' });
          expect(own).toEqual(ownOf(raw) ?? { text: raw.trim() });
          expect(jsonRow(text.trim(), unknown(1))).toBe(text);
        }
      }),
      { numRuns: RUNS },
    );
  },
  FUZZ_MS,
);

const KEYS = fc.record(
  { id: fc.integer(), error: fc.string(), error_code: fc.string(), data: fc.jsonValue() },
  { requiredKeys: [] },
);

/** The object as it was before a fix file; undefined if it is none, or stands for a list. */
function ownOf(raw: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(raw) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { error_code: _, error: __, ...own } = value as Record<string, unknown>;
    const isList = ['data', 'customers'].some((key) => typeof own[key] === 'object' && own[key] !== null);
    return isList ? undefined : own;
  } catch {
    return undefined;
  }
}

const NO_ROWS = {
  ...{ job, olderIn: null, outcomes: '', lookUps: NO_LOOK_UPS, maybeSent: [], isLastTry: false },
  plan: { total: 1, invalid: 0, valid: 0, chunks: 0, chunksToSend: 0, lastSentSize: 0, lastSize: 0, gaps: '' },
};

/** It may be text of another row's cell, or have swallowed rows. */
const isDoubtful = ({ problem }: Pick<SourceRecord, 'problem'> | { problem: SourceRecord['problem'] | undefined }) =>
  /may lie inside|runs from line/.test(problem?.message ?? '');

function inMemory(): Storage {
  const files = new Map<string, Buffer>();
  return {
    root: 'memory:',
    async *read(key) {
      yield files.get(key) as Buffer;
    },
    async write(key, content) {
      const parts: Uint8Array[] = [];
      for await (const part of content) parts.push(Buffer.from(part));
      files.set(key, Buffer.concat(parts));
    },
    writeOnce: () => Promise.reject(new Error('not expected')),
    deleteHalfWritten: async () => undefined,
    delete: async (key) => void files.delete(key),
    deleteBelow: () => Promise.reject(new Error('not expected')),
    exists: async (key) => files.has(key),
    uri: (key) => `memory:${key}`,
    keyOf: (uri) => uri.slice('memory:'.length),
  };
}
