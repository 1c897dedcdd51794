/** The largest that workflow and activities pass to each other, against the 2 MiB of a payload. */
import { CHUNKS_PER_PAGE, type CloseJobInput, type PreparedRows } from '../../src/contract/activities.ts';
import { inWords } from '../../src/activities/not-taken.ts';
import { tidy } from '../../src/bigcommerce/message.ts';
import { type Failure, FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { MAX_CHUNKS, prepare } from '../../src/jobs/prepare.ts';
import { MAX_ROWS } from '../../src/jobs/sources/bounded.ts';
import { type CarriedLookUps, LookUps, NO_LOOK_UPS } from '../../src/contract/look-ups.ts';
import { encodeChunk, encodeRuns } from '../../src/contract/outcomes.ts';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import { inline, newStorage } from './support.ts';

const TEMPORAL_BYTES = 2 * 1024 * 1024;
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** The gaps that encode to the longest text for this many chunks and rows to skip. */
function worstGaps(): number[] {
  const gaps: number[] = [];
  let toSkip = MAX_ROWS - 10 * MAX_CHUNKS;
  for (let pair = 0; pair < MAX_CHUNKS; pair++) {
    // 32 takes a second character.
    const gap = toSkip > 66 ? 32 + (pair & 1) : pair & 1;
    toSkip -= 2 * gap;
    gaps.push(gap, gap);
  }
  return gaps;
}

/** Each page was looked up, and some again, with other results than the page before. */
function worstLookUps(): CarriedLookUps {
  const lookUps = new LookUps(NO_LOOK_UPS);
  for (let page = 0; page < MAX_CHUNKS / CHUNKS_PER_PAGE; page++) {
    const differs = page % 2;
    lookUps.add(page, { asked: [0, 100], chunks: 98 + differs, lastSize: 1 + differs });
    if (page % 10 === 0) lookUps.add(page, { asked: [40 + differs, 98], chunks: 50 + differs, lastSize: 8 + differs });
  }
  return lookUps.carry();
}

test('the worst source and the worst answers fit into the input of closeJob', async () => {
  const names = ['\\u{1F600}', '\u{2F800}', 'x'].map((name) => name.repeat(64));
  const rows = names.map((name) => ({ id: 1, [name]: 1, more: 1 }));
  const { failures } = await prepare({
    storage: await newStorage(),
    keys: jobKeys({ storeHash: 'abc', key: 'run-1' }),
    records: inline(rows),
    limit: null,
  });
  const longest = (list: string[]) => list.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a));
  const invalid: Failure = {
    row: MAX_ROWS,
    line: null,
    id: 0x7fffffff,
    outcome: 'invalid',
    code: 'invalid_field',
    message: longest(failures.map(({ message }) => message)),
  };
  const said = ['"', '\\', '漢', '😀', 'x'].map((sign) => tidy(sign.repeat(1_000)));
  const taken: Failure = { ...invalid, outcome: 'rejected', code: 'email_taken', message: longest(said) };
  expect(bytesOf(invalid.message)).toBeGreaterThan(300);
  expect(bytesOf(taken.message)).toBeGreaterThan(200);
  // With what it says of attributes a failure is no larger.
  const ids = Array.from({ length: 9 }, (_, n) => 0x7fffffff - n);
  const ofAttributes = [ids, [...ids, 1]].map((attributes) =>
    inWords(attributes, longest(said), { id: 1 }, () => undefined),
  );
  for (const more of ofAttributes) {
    const failure: Failure = { ...taken, code: 'attributes_rejected', ...more };
    expect(bytesOf(failure)).toBeLessThanOrEqual(bytesOf(invalid));
  }

  const codes = [7, 8].map((bad) => encodeChunk({ state: 'done', rejected: 3, failed: bad, attempts: 15 }));
  const outcomes = encodeRuns(Array.from({ length: MAX_CHUNKS }, (_, chunk) => codes[chunk & 1] as number));
  const plan: CloseJobInput['plan'] = {
    ...{ total: MAX_ROWS, invalid: MAX_ROWS / 2, valid: MAX_ROWS / 2, chunks: MAX_CHUNKS, chunksToSend: MAX_CHUNKS },
    ...{ lastSentSize: 10, lastSize: 10, gaps: encodeRuns(worstGaps()) },
  };
  const ignoreColumns = Array.from({ length: 10 }, () => '\u0001'.repeat(1_000));
  expect(jobOptionsSchema.safeParse({ ignoreColumns }).success).toBe(true);
  const input = { storeHash: 'abc', source: { uri: `file:///${'x'.repeat(4_992)}` }, options: { ignoreColumns } };
  const latest = (failure: Failure) => Array.from({ length: FAILURES_IN_STATE }, () => failure);
  const closing: CloseJobInput = {
    job: { storeHash: 'a'.repeat(32), key: 'a'.repeat(64) },
    ...{ input, plan, outcomes, lookUps: worstLookUps(), failures: [...latest(invalid), ...latest(taken)] },
    olderIn: 'x'.repeat(1_000),
    // Those in flight, and those that wait for 30 others to be taken first: chunk-queue.ts.
    maybeSent: Array.from({ length: 100 }, (_, at) => MAX_CHUNKS - 1 - at),
  };
  console.info(`closeJob's input at the worst: ${bytesOf(closing)} of ${TEMPORAL_BYTES} bytes`);
  expect(bytesOf(closing)).toBeLessThan(TEMPORAL_BYTES);
  const prepared: PreparedRows = { ...plan, failures: latest(invalid), olderIn: null };
  expect(bytesOf(prepared)).toBeLessThan(TEMPORAL_BYTES);
});

test.each([
  ['more headings to ignore than 1,000', { ignoreColumns: Array<string>(1_001).fill('x') }],
  ['a heading to ignore of 10,001 characters', { ignoreColumns: ['x'.repeat(10_001)] }],
  ['a million headings to ignore', { ignoreColumns: Array<string>(1_000_000).fill('x') }],
])('%s are rejected', (_, options) => {
  const { error } = jobOptionsSchema.safeParse(options);
  expect(error?.issues[0]?.message).toMatch('at most 1000 headings of at most 10000 characters in all');
});
