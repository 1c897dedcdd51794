import { progressQuery, resumeUpdate } from '../../src/contract/job.ts';
import { customers, writeSource } from '../support/customers.ts';
import { TOKENS, useSystem, type JobHandle } from '../support/system.ts';
import { until } from '../support/until.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const REISSUED = 'another-secret-token';

const system = useSystem({
  emulator: ['--customers', '1000', '--latency', '30', '--quota', '1000', '--window', '1000'],
  workers: 2,
});
/** All that the workers printed. */
let output: string;
let lines: Record<string, unknown>[];
let jobs: Record<'abc' | 'def', JobHandle>;
let rows: object[];

beforeAll(async () => {
  rows = customers(120).map(({ id }) => ({
    id,
    email: `hidden-${id}@secret.example`,
    first_name: `Firstname${id}`,
    last_name: `Lastname${id}`,
    company: `Company${id} Ltd`,
    phone: `+49 30 901820${id}`,
    notes: `confidential ${id}`,
    authentication: { force_password_reset: false, new_password: `Passw0rd-${id}` },
  }));
  // Whom the store rejects with the e-mail address in its answer, one whom it doesn't know, and invalid ones.
  rows[4] = { ...rows[4], email: 'hidden-9@secret.example' };
  rows[20] = { ...rows[20], id: 7_000_000 };
  rows[30] = { ...rows[30], first_name: '' };
  rows[32] = { ...rows[32], email: 'hidden-but-not-an-address' };
  const quoting = 'hidden-1@secret.example sent secret-token-of-abc, +49 30 9018201';
  await system.control('faults', [
    { fault: 'throttle', store: 'abc', after: 2 },
    { fault: 'status', store: 'abc', status: 502, after: 3 },
    { fault: 'status', store: 'abc', status: 409, title: quoting, after: 4 },
    { fault: 'truncate', store: 'abc', after: 5 },
    { fault: 'status', store: 'abc', status: 405, title: quoting, after: 7 },
  ]);
  await system.control('tokens', { store: 'def', token: REISSUED });
  const uri = await writeSource(system, 'private.ndjson', rows);
  jobs = {
    abc: await system.start('of-abc', { storeHash: 'abc', source: { uri } }),
    def: await system.start('of-def', { storeHash: 'def', source: { customers: rows.slice(40, 60) } }),
  };
  const options = { onInvalid: 'fail' } as const;
  const invalid = await system.start('invalid', {
    storeHash: 'abc',
    source: { customers: rows.slice(30, 40) },
    options,
  });
  await invalid.result().catch(() => undefined);
  for (const job of Object.values(jobs)) {
    await until(async () => (await job.query(progressQuery)).state === 'held');
    if (job === jobs.def) await system.control('tokens', { store: 'def', token: TOKENS['def'] });
    await job.executeUpdate(resumeUpdate);
    await job.result();
  }
  await Promise.all(system.workers.map((worker) => worker.stop()));
  output = system.workers.map((worker) => worker.output()).join('');
  lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
});

/** The lines with this message, of which there are some. */
function saying(message: string): Record<string, unknown>[] {
  const found = lines.filter(({ msg }) => msg === message);
  expect(found).not.toEqual([]);
  return found;
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

test('no line holds a token, an e-mail address, a name, a phone number or a password', () => {
  const secrets = [...rows.flatMap(textsIn), ...Object.values(TOKENS), REISSUED, 'secret.example', 'hidden-'];
  expect(secrets.length).toBeGreaterThan(700);
  expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
});

test.each([
  ['debug', 'chunk updated'],
  ['info', 'chunk throttled'],
  ['info', 'chunk isolated'],
  ['warn', 'chunk not answered'],
  ['warn', 'chunk refused'],
])('a line of level %s tells of each %s, with job, store, chunk, attempt and request id', (level, message) => {
  const found = saying(message);
  for (const line of found) {
    const store = line['store'] as 'abc';
    const times = { attempt: expect.any(Number), chunk: expect.any(Number) };
    expect(line).toMatchObject({ level, job: jobs[store].workflowId, ...times });
  }
  // A chunk that was not sent, or whose answer broke off, has none.
  expect(found.map(({ requestId }) => requestId)).toContainEqual(expect.stringMatching(UUID));
});

test('what stopped a chunk is said in the words of the store, masked', () => {
  expect(saying('chunk not answered').map(({ why }) => why)).toContainEqual('The store gave the status 502.');
  expect(saying('chunk refused').map(({ why }) => why)).toContainEqual(
    expect.stringMatching(/405: \*\*\* sent \*\*\*,/),
  );
  expect(saying('chunk isolated')).toContainEqual(expect.objectContaining({ updated: 9, rejected: 1 }));
});

test("a job's start, its holds, their ends and its own are a line each", () => {
  const [abc, def] = [jobs.abc, jobs.def].map(({ workflowId }) => workflowId);
  for (const started of [
    { job: abc, store: 'abc', total: 120, invalid: 2, chunks: 12 },
    { job: def, store: 'def', total: 20, invalid: 0, chunks: 2 },
  ]) {
    expect(saying('job started')).toContainEqual(expect.objectContaining(started));
  }
  for (const [job, store] of Object.entries({ [abc ?? '']: 'abc', [def ?? '']: 'def' })) {
    const line = expect.objectContaining({ job, store, kind: 'refused' });
    expect(saying('job holds')).toContainEqual(line);
    expect(saying('job continues after a hold')).toContainEqual(line);
  }
  expect(saying('job closed')).toContainEqual(
    expect.objectContaining({ job: abc, store: 'abc', total: 120, invalid: 2, rejected: 2, updated: 116 }),
  );
});

test('leases are told of when they are taken, and when they are given back', () => {
  for (const store of ['abc', 'def']) {
    expect(saying('lease taken')).toContainEqual(expect.objectContaining({ level: 'info', store }));
    expect(saying('lease given back')).toContainEqual(expect.objectContaining({ store, why: 'handedOver' }));
  }
});

test('what is ordinary is said at level debug only', () => {
  const ordinary = lines.filter(
    ({ level, msg }) => level !== 'debug' && /updated|Activity|Workflow (started|completed)/.test(String(msg)),
  );
  expect(ordinary).toEqual([]);
});
