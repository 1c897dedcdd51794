/**
 * A job of a million customers at a store that answers at once: what it costs, and whether every count is right. And what it
 * costs to read as many from CSV.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { jobId, progressQuery, type JobResult } from '../src/contract/job.ts';
import { freePorts } from '../dev/servers/ports.ts';
import { type JobHandle, startSystem, type System } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { heartbeats, historyFigures, Memory, type HistoryFigures } from './figures.ts';
import { machine, save, table } from './results.ts';

const LATENCY_MS = 2;

/** The start of a job, measured: until its source had been read, checked and split into chunks. */
interface Prepared {
  rowsPerSecond: number;
  preparePeak: number;
}

/** A job, measured. */
interface Ran extends Prepared {
  result: JobResult;
  history: HistoryFigures;
  seconds: number;
  peak: number;
  /** Of the job and the lease. */
  heartbeats: number;
  mostInFlight: number;
}

const SMALL = 20_000;

export async function million({ customers }: { customers: number }): Promise<void> {
  const small = await runJob(SMALL);
  const large = await runJob(customers);
  const csv = [await prepareCsv(SMALL), await prepareCsv(customers)];
  const rows: [string, (ran: Ran) => string][] = [
    ['updated', ({ result }) => String(result.customers.updated)],
    ['chunks', ({ result }) => String(result.chunks.done)],
    ['seconds', ({ seconds }) => seconds.toFixed(0)],
    ['customers a second', ({ result, seconds }) => (result.customers.updated / seconds).toFixed(0)],
    ['prepare, NDJSON, rows a second', ({ rowsPerSecond }) => rowsPerSecond.toFixed(0)],
    ['worker until the end of prepare, NDJSON, peak MiB', ({ preparePeak }) => String(preparePeak)],
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
    `From \`npm run bench -- million\`: jobs of ${inWords(SMALL)} and ${inWords(customers)} customers, one after the other, each on its own worker, at a store that answers after ${LATENCY_MS} ms. CSV is read by dry runs.`,
    table([
      ['', inWords(SMALL), inWords(customers)],
      ...rows.map(([name, of]) => [name, of(small), of(large)]),
      ['prepare, CSV, rows a second', ...csv.map(({ rowsPerSecond }) => rowsPerSecond.toFixed(0))],
      ['worker until the end of prepare, CSV, peak MiB', ...csv.map(({ preparePeak }) => String(preparePeak))],
    ]),
    `Peak memory of the worker: ${(large.peak / small.peak).toFixed(2)} × that of the job of 20,000.`,
    await machine(),
  ];
  await save('million.md', text.join('\n\n'));
}

const inWords = (count: number): string => count.toLocaleString('en');

/** Starts a job of so many customers on a system of its own, and lets `use` have it once its source is read. */
async function startJob<T>(
  count: number,
  format: 'csv' | 'ndjson',
  dryRun: boolean,
  use: (job: { system: System; handle: JobHandle; metrics: string; memory: Memory; prepared: Prepared }) => Promise<T>,
): Promise<T> {
  const system = await startSystem({
    workers: 0,
    emulator: ['--customers', String(count), '--latency', String(LATENCY_MS)],
  });
  try {
    const metrics = `127.0.0.1:${(await freePorts(1))[0]}`;
    const { pid } = await system.startWorker({ METRICS_ADDRESS: metrics, LOG_LEVEL: 'info' });
    const path = `${system.folder}/data/sources/all.${format}`;
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(lines(count, format)), createWriteStream(path));
    const memory = new Memory(pid);
    const startedAt = performance.now();
    const input = { storeHash: 'abc', source: { uri: `file://${path}` }, options: { dryRun } };
    const handle = await system.start('job', input);
    await until(async () => (await handle.query(progressQuery)).state !== 'preparing', 600_000);
    const rowsPerSecond = (count * 1000) / (performance.now() - startedAt);
    return await use({ system, handle, metrics, memory, prepared: { rowsPerSecond, preparePeak: memory.peak } });
  } finally {
    await system.close();
  }
}

const prepareCsv = (count: number): Promise<Prepared> =>
  startJob(count, 'csv', true, async ({ handle, memory, prepared }) => {
    const { customers } = await handle.result();
    memory.stop();
    if (customers.unprocessed !== count) throw new Error(`Expected ${count} rows, got ${JSON.stringify(customers)}.`);
    return prepared;
  });

const runJob = (count: number): Promise<Ran> =>
  startJob(count, 'ndjson', false, async ({ system, handle, metrics, memory, prepared }) => {
    const sendingSince = performance.now();
    const result = await handle.result();
    const seconds = count / prepared.rowsPerSecond + (performance.now() - sendingSince) / 1000;
    memory.stop();
    const { maxInFlight, customersUpdatedDistinct } = await system.stats();
    if (result.customers.updated !== count || Number(customersUpdatedDistinct) !== count) {
      throw new Error(
        `Expected ${count} updated, got ${JSON.stringify(result)} and ${customersUpdatedDistinct} at the store.`,
      );
    }
    return {
      ...{ ...prepared, result, seconds, peak: memory.peak, mostInFlight: Number(maxInFlight) },
      history: await historyFigures(system, jobId('abc', 'job')),
      heartbeats: await heartbeats(metrics),
    };
  });

function* lines(count: number, format: 'csv' | 'ndjson'): Generator<string> {
  if (format === 'csv') yield 'id,notes,company\n';
  for (let id = 1; id <= count; id++) {
    const [notes, company] = [`note ${id}`, `Company ${id}`];
    yield format === 'csv' ? `${id},${notes},${company}\n` : `${JSON.stringify({ id, notes, company })}\n`;
  }
}
