/** A job of a million customers at a store that answers at once: what it costs, and whether every count is right. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { jobId, progressQuery, type JobResult } from '../src/contract/job.ts';
import { freePorts } from '../dev/servers/ports.ts';
import { startSystem } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { heartbeats, historyFigures, Memory, type HistoryFigures } from './figures.ts';
import { machine, save, table } from './results.ts';

const LATENCY_MS = 2;

/** A job, measured. */
interface Ran {
  result: JobResult;
  history: HistoryFigures;
  seconds: number;
  /** Until the source had been read, checked and split into chunks. */
  prepareSeconds: number;
  preparePeak: number;
  peak: number;
  /** Of the job and the lease. */
  heartbeats: number;
  mostInFlight: number;
}

export async function million(): Promise<void> {
  const small = await runJob(20_000);
  const large = await runJob(1_000_000);
  const rows: [string, (ran: Ran) => string][] = [
    ['updated', ({ result }) => String(result.customers.updated)],
    ['chunks', ({ result }) => String(result.chunks.done)],
    ['seconds', ({ seconds }) => seconds.toFixed(0)],
    ['customers a second', ({ result, seconds }) => (result.customers.updated / seconds).toFixed(0)],
    ['prepare, rows a second', ({ result, prepareSeconds }) => (result.customers.total / prepareSeconds).toFixed(0)],
    ['worker until the end of prepare, peak MiB', ({ preparePeak }) => String(preparePeak)],
    ['worker, peak MiB', ({ peak }) => String(peak)],
    ['most in flight', ({ mostInFlight }) => String(mostInFlight)],
    ['runs', ({ history }) => String(history.runs)],
    ['largest history, events', ({ history }) => String(history.mostEvents)],
    ['largest history, KiB', ({ history }) => (history.mostBytes / 1024).toFixed(0)],
    ['most carried into a run, bytes', ({ history }) => String(history.mostCarried)],
    ['events a customer', ({ history, result }) => (history.events / result.customers.total).toFixed(3)],
    ['history bytes a customer', ({ history, result }) => (history.bytes / result.customers.total).toFixed(0)],
    ['actions a chunk', ({ history, result }) => (history.actions / result.chunks.total).toFixed(4)],
    ['heartbeats of job and lease', ({ heartbeats }) => String(heartbeats)],
  ];
  const text = [
    '# A million customers',
    `From \`npm run bench -- million\`: jobs of 20,000 and 1,000,000 customers, one after the other, each on its own worker, at a store that answers after ${LATENCY_MS} ms.`,
    table([['', '20,000', '1,000,000'], ...rows.map(([name, of]) => [name, of(small), of(large)])]),
    `Peak memory of the worker: ${(large.peak / small.peak).toFixed(2)} × that of the job of 20,000.`,
    await machine(),
  ];
  await save('million.md', text.join('\n\n'));
}

async function runJob(count: number): Promise<Ran> {
  const system = await startSystem({
    workers: 0,
    emulator: ['--customers', String(count), '--latency', String(LATENCY_MS)],
  });
  try {
    const metrics = `127.0.0.1:${(await freePorts(1))[0]}`;
    const { pid } = await system.startWorker({ METRICS_ADDRESS: metrics, LOG_LEVEL: 'info' });
    const path = `${system.folder}/data/sources/all.ndjson`;
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(lines(count)), createWriteStream(path));
    const memory = new Memory(pid);
    const startedAt = performance.now();
    const handle = await system.start('job', { storeHash: 'abc', source: { uri: `file://${path}` } });
    await until(async () => (await handle.query(progressQuery)).state !== 'preparing', 600_000);
    const prepareSeconds = (performance.now() - startedAt) / 1000;
    const preparePeak = memory.peak;
    const result = await handle.result();
    const seconds = (performance.now() - startedAt) / 1000;
    memory.stop();
    const { maxInFlight, customersUpdatedDistinct } = await system.stats();
    if (result.customers.updated !== count || Number(customersUpdatedDistinct) !== count) {
      throw new Error(
        `Expected ${count} updated, got ${JSON.stringify(result)} and ${customersUpdatedDistinct} at the store.`,
      );
    }
    return {
      ...{ result, seconds, prepareSeconds, preparePeak, peak: memory.peak, mostInFlight: Number(maxInFlight) },
      history: await historyFigures(system, jobId('abc', 'job')),
      heartbeats: await heartbeats(metrics),
    };
  } finally {
    await system.close();
  }
}

function* lines(count: number): Generator<string> {
  for (let id = 1; id <= count; id++)
    yield `${JSON.stringify({ id, notes: `note ${id}`, company: `Company ${id}` })}\n`;
}
