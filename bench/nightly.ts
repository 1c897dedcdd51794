/**
 * The file that comes every night: all customers of a store, of whom one in a hundred has changed since. At a store that
 * answers at once, and at one with a quota.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { jobId, type JobResult } from '../src/contract/job.ts';
import { startSystem } from '../test/support/system.ts';
import { historyFigures, Memory } from './figures.ts';
import { machine, save, table } from './results.ts';

/** The quota of a store, and how long it takes to answer a call, in ms. */
interface Store {
  name: string;
  latencyMs: number;
  quota?: { calls: number; windowMs: number };
}

const STORES: Store[] = [
  { name: 'no quota, 2 ms a call', latencyMs: 2 },
  { name: 'quota of 150 in 30 s, 300 ms a call', latencyMs: 300, quota: { calls: 150, windowMs: 30_000 } },
];

const NOTE = 'Changed today';

interface Night {
  result: JobResult;
  changed: number;
  activities: number;
  seconds: number;
  /** The least time that the quota allows for the calls made, of the time from the first one to the last; no quota, no share. */
  ofQuota: number | undefined;
  peak: number;
  mostInFlight: number;
}

export async function nightly({ customers }: { customers: number }): Promise<void> {
  const nights: Night[] = [];
  for (const store of STORES) nights.push(await night(customers, store));
  const least = ({ result, changed }: Night) => result.customers.total / 250 + changed / 10;
  const perThousand = ({ activities, result }: Night) => (activities * 1_000) / result.customers.total;
  const rows: [string, (night: Night) => string][] = [
    ['rows', ({ result }) => inWords(result.customers.total)],
    ['of them changed', ({ changed }) => inWords(changed)],
    ['GETs', ({ result }) => inWords(result.reads)],
    ['PUTs', ({ result }) => inWords(result.calls)],
    [
      'calls, of rows ÷ 250 + changed ÷ 10',
      (night) => ((night.result.reads + night.result.calls) / least(night)).toFixed(3),
    ],
    ['activities per 1,000 rows', (night) => perThousand(night).toFixed(2)],
    ['of the quota', ({ ofQuota }) => ofQuota?.toFixed(3) ?? ''],
    ['seconds', ({ seconds }) => seconds.toFixed(0)],
    ['worker, peak MiB', ({ peak }) => String(peak)],
    ['most in flight', ({ mostInFlight }) => String(mostInFlight)],
  ];
  const text = [
    '# Every night',
    'From `npm run bench -- nightly`: a file of all customers of a store, of whom one in a hundred has changed, anywhere in the file; `skipUnchanged`.',
    table([['', ...STORES.map(({ name }) => name)], ...rows.map(([name, of]) => [name, ...nights.map(of)])]),
    await machine(),
  ];
  await save('nightly.md', text.join('\n\n'));
}

const inWords = (count: number): string => count.toLocaleString('en');

async function night(customers: number, { latencyMs, quota }: Store): Promise<Night> {
  const limits = quota ? ['--quota', String(quota.calls), '--window', String(quota.windowMs)] : [];
  const emulator = ['--customers', String(customers), '--latency', String(latencyMs), ...limits];
  const system = await startSystem({ workers: 0, emulator });
  try {
    const memory = new Memory((await system.startWorker({ LOG_LEVEL: 'info' })).pid);
    const path = `${system.folder}/data/sources/all.csv`;
    await mkdir(dirname(path), { recursive: true });
    const changed = new Set<number>();
    await pipeline(Readable.from(lines(customers, changed)), createWriteStream(path));
    const startedAt = performance.now();
    const result = await system.run('nightly', {
      storeHash: 'abc',
      source: { uri: `file://${path}` },
      options: { skipUnchanged: true },
    });
    const seconds = (performance.now() - startedAt) / 1000;
    memory.stop();
    const { maxInFlight, firstRequestAt, lastRequestAt, customersUpdatedDistinct, requests } = await system.stats();
    const { updated } = result.customers;
    if (updated !== customers || Number(customersUpdatedDistinct) !== changed.size) {
      throw new Error(
        `Expected ${customers} updated, of whom ${changed.size} were sent, got ${updated}, and ${customersUpdatedDistinct} at the store.`,
      );
    }
    const took = Date.parse(String(lastRequestAt)) - Date.parse(String(firstRequestAt));
    return {
      ...{ result, changed: changed.size, seconds, peak: memory.peak, mostInFlight: Number(maxInFlight) },
      activities: (await historyFigures(system, jobId('abc', 'nightly'))).activities,
      // The first window begins with the first call, and the last call comes early in the last one.
      ofQuota: quota && (Math.floor((Number(requests) - 1) / quota.calls) * quota.windowMs) / took,
    };
  } finally {
    await system.close();
  }
}

/** All customers as the store has them, but for those in `changed`, which it fills. */
function* lines(customers: number, changed: Set<number>): Generator<string> {
  yield 'id,first_name,last_name,notes\n';
  for (let id = 1; id <= customers; id++) {
    const isChanged = isPicked(id);
    if (isChanged) changed.add(id);
    yield `${id},Customer,Number ${id},${isChanged ? NOTE : ''}\n`;
  }
}

/** Whether a customer has changed: one in a hundred, without a pattern, and the same ones each time. */
function isPicked(id: number): boolean {
  // The finalizer of MurmurHash3.
  let hash = Math.imul(id ^ (id >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 100 === 0;
}
