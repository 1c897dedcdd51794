/** `npm run demo`: a whole job on this machine; with `-- --keep` everything keeps running afterwards. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { customerUpdate } from '../src/client.ts';
import { jobId, type JobResult } from '../src/contract/job.ts';
import { SEARCH_ATTRIBUTES } from '../src/contract/search-attributes.ts';
import { onSignals } from '../src/process.ts';
import { startDevServer } from './servers/dev-server.ts';
import { startProgram } from './servers/processes.ts';
import { SAMPLE_STORE_SIZE, sampleCustomers, type GoodCustomer, type Sample } from './sample.ts';

const STORE = 'demo';
const TOKEN = 'demo-token';
const CUSTOMERS = 2_000;

/** A quota that makes the job wait once: enough to see it, and the demo still takes only half a minute. */
const EMULATED = { latency: 50, quota: 120, window: 12_000 };

/** Longer than the job takes on any machine. */
const PATIENCE_MS = 180_000;

/** What undoes each step; to be called in reverse order. */
const undo: (() => Promise<unknown>)[] = [];

/** Where the started parts are: settings for more programs. */
interface Parts {
  TEMPORAL_ADDRESS: string;
  BIGCOMMERCE_API_URL: string;
  JOB_STORE: string;
  /** Empty, so that nothing is read from `.env`. */
  ENV_FILE: string;
}

/** Runs all of it; returns whether everything is as the sample says it should be. */
async function demo(folder: string, keep: boolean): Promise<boolean> {
  const parts = await startParts(folder);
  const sample = sampleCustomers(CUSTOMERS);
  const file = join(folder, 'customers.csv');
  await writeFile(file, sample.csv);
  step('Customers', `${file}: ${grouped(CUSTOMERS)}; 5 of them can't be updated`);

  // A server that was already running may know jobs of earlier demos, so the name has to be new.
  const start = (name: string) => ['start', file, '--store', STORE, '--name', name];
  const name = basename(folder);
  console.log(`\n> npm run starter -- ${start(name).join(' ')}`);
  const code = await runStarter(start(name), parts);
  // 1: some customers of the sample can't be updated.
  if (code !== 1)
    throw new Error(`Expected the exit code 1 from the starter, got ${code}. See worker.log in the folder below.`);

  const result = await resultOf(jobId(STORE, name), parts.TEMPORAL_ADDRESS);
  const report = await readFile(new URL(result.report as string), 'utf8');
  console.log(`\nThe report:\n${report}`);
  const differences = await compare(sample, result, report, parts.BIGCOMMERCE_API_URL);
  console.log(
    differences.length > 0
      ? `Not as it should be:\n  ${differences.join('\n  ')}`
      : `As it should be: the counts, the report, the new values of all ${grouped(sample.good.length)} good customers at the store, ` +
          'never more than 3 calls in flight.',
  );
  if (keep) {
    console.log(
      '\nEverything keeps running until Ctrl-C. To start another job, in another terminal:\n' +
        Object.entries(parts)
          .map(([variable, value]) => `  export ${variable}=${value}\n`)
          .join('') +
        `  npm run starter -- ${start('again').join(' ')}\n` +
        `What the store counted: curl -s '${parts.BIGCOMMERCE_API_URL}/_control/stats?store=${STORE}'`,
    );
  }
  return differences.length === 0;
}

function step(what: string, how: string): void {
  console.log(`${what.padEnd(16)} ${how}`);
}

const grouped = (value: number): string => value.toLocaleString('en');

/** Starts server, store and worker, with their logs in `folder`. */
async function startParts(folder: string): Promise<Parts> {
  const server = await startDevServer({
    ui: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    useRunning: true,
    log: join(folder, 'temporal.log'),
  });
  undo.push(() => server.stop());
  const web = server.uiUrl === undefined ? 'from TEMPORAL_ADDRESS' : `Web UI ${server.uiUrl}`;
  step('Temporal server', `${server.address}, ${web}`);

  const apiUrl = await startEmulator();
  const { latency, quota, window } = EMULATED;
  step('Emulated store', `${apiUrl}: ${latency} ms a call, a quota of ${quota} calls in ${window / 1000} s`);

  const parts = {
    TEMPORAL_ADDRESS: server.address,
    BIGCOMMERCE_API_URL: apiUrl,
    JOB_STORE: `file:${join(folder, 'jobs')}`,
    ENV_FILE: '',
  };
  const token = { BIGCOMMERCE_STORE_HASH: STORE, BIGCOMMERCE_ACCESS_TOKEN: TOKEN, BIGCOMMERCE_TOKENS_FILE: '' };
  const log = join(folder, 'worker.log');
  const worker = startProgram(process.execPath, ['dist/worker.js'], { env: { ...settings(parts), ...token }, log });
  undo.push(() => worker.stop());
  await worker.waitFor(/ready/);
  step('Worker', `process ${worker.pid}, log ${log}`);
  return parts;
}

/** Starts the emulator; returns its URL. */
async function startEmulator(): Promise<string> {
  const flags = { port: 0, stores: `${STORE}=${TOKEN}`, customers: SAMPLE_STORE_SIZE, ...EMULATED };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const emulator = startProgram(process.execPath, ['dist/emulator.js', ...args]);
  undo.push(() => emulator.stop());
  return /http:\/\/\S+/.exec(await emulator.waitFor(/ready/))?.[0] as string;
}

/** The environment of our programs: these parts, and nothing that is set on this machine. */
function settings(parts: Parts): Record<string, string | undefined> {
  const others = Object.keys(process.env).filter((variable) => variable.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(others.map((variable) => [variable, undefined])),
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: '/nonexistent',
    SOURCE_ROOTS: '',
    METRICS_ADDRESS: '',
    WEB_UI_URL: '',
    LOG_LEVEL: 'info',
    ...parts,
  };
}

/** Runs the starter on our own terminal; returns its exit code, or null if it had to be killed. */
async function runStarter(args: string[], parts: Parts): Promise<number | null> {
  const starter = startProgram(process.execPath, ['dist/starter.js', ...args], { env: settings(parts), inherit: true });
  undo.push(() => starter.stop());
  const patience = setTimeout(() => void starter.kill(), PATIENCE_MS);
  const { code } = await starter.exited;
  clearTimeout(patience);
  return code;
}

async function resultOf(id: string, address: string): Promise<JobResult> {
  const connection = await Connection.connect({ address });
  try {
    return await customerUpdate(new Client({ connection }), id).result();
  } finally {
    await connection.close();
  }
}

/** How the outcome differs from what the sample says, in words. */
async function compare(sample: Sample, result: JobResult, report: string, apiUrl: string): Promise<string[]> {
  const differences: string[] = [];
  if (!isDeepStrictEqual(result.customers, sample.counts)) {
    differences.push(`expected ${JSON.stringify(sample.counts)}, got ${JSON.stringify(result.customers)}`);
  }
  for (const [row, code] of sample.notUpdated) {
    if (!new RegExp(`^${row},\\d*,\\d*,\\w+,${code},`, 'm').test(report))
      differences.push(`no ${code} of row ${row} in the report`);
  }
  const stale: number[] = [];
  // A few at a time, so that two thousand connections don't open at once.
  for (let first = 0; first < sample.good.length; first += 20) {
    const some = sample.good.slice(first, first + 20);
    const current = await Promise.all(
      some.map(({ id }) => ask<GoodCustomer>(`${apiUrl}/_control/customers/${STORE}/${id}`)),
    );
    stale.push(...some.filter((good, index) => !carries(current[index] as GoodCustomer, good)).map(({ id }) => id));
  }
  if (stale.length > 0)
    differences.push(`${stale.length} customers don't have their new values; the first is ${stale[0]}`);
  const { maxInFlight } = await ask<{ maxInFlight: number }>(`${apiUrl}/_control/stats?store=${STORE}`);
  if (maxInFlight > 3) differences.push(`there were up to ${maxInFlight} calls in flight, not 3`);
  return differences;
}

const carries = (customer: GoodCustomer, wanted: GoodCustomer): boolean =>
  (Object.keys(wanted) as (keyof GoodCustomer)[]).every((field) => customer[field] === wanted[field]);

async function ask<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const keep = process.argv.includes('--keep');
const folder = await mkdtemp(join(tmpdir(), 'demo-'));
let stopping = false;
const signalled = new Promise<number>((resolve) => {
  onSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], (signal) => {
    const code = 128 + constants.signals[signal];
    // The second one: what we started ends with us, in any order.
    if (stopping) process.exit(code);
    stopping = true;
    resolve(code);
  });
});
// Nobody reads the output any more: what we started ends with us.
process.stdout.on('error', () => process.exit(1));
const shown = demo(folder, keep).then(
  (asDemanded) => (asDemanded ? 0 : 1),
  (error: unknown) => {
    // What fails because we are stopping it is not worth mentioning.
    if (!stopping) console.error(error instanceof Error ? error.message : error);
    return undefined;
  },
);
const code = await Promise.race([shown, signalled]);
if (keep && code !== undefined) await signalled;
const hint = keep || stopping ? '' : ' (npm run demo -- --keep leaves it running, with its Web UI and files)';
console.log(`\nStopping everything …${hint}`);
for (const step of undo.reverse()) await step().catch((error: unknown) => console.error((error as Error).message));
if (code === 0 && !keep) await rm(folder, { recursive: true });
else console.log(`Logs and the job's files are in ${folder}`);
process.exit(code ?? 1);
