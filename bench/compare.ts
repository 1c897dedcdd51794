/** The job against a plain loop that only sends, alternating in one run. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jobId } from '../src/contract/job.ts';
import { customers, writeSource } from '../test/support/customers.ts';
import { startSystem, TOKENS, type System } from '../test/support/system.ts';
import { ratioChart } from './chart.ts';
import { historyFigures, Memory, type HistoryFigures } from './figures.ts';
import { machine, median, save, spread, table } from './results.ts';

const run = promisify(execFile);
const QUOTA = { calls: 150, windowMs: 30_000 };

/** A kind of store, and how many customers are updated there. */
interface Case {
  name: string;
  customers: number;
  latencyMs: number;
  quota?: typeof QUOTA;
}

/** The lists run one after the other, the cases in a list at once: the last two leave the machine mostly idle. */
const CASES: Case[][] = [
  [{ name: '100 ms a call', customers: 12_000, latencyMs: 100 }],
  [{ name: '300 ms a call', customers: 6_000, latencyMs: 300 }],
  [
    { name: '1,000 ms a call', customers: 3_000, latencyMs: 1_000 },
    // One call more than six windows allow, so the last one opens the seventh.
    { name: '150 calls per 30 s', customers: 9_010, latencyMs: 50, quota: QUOTA },
  ],
];

interface Compared {
  /** For each round, the time that the plain loop needs or the quota allows, over the time of the job. */
  ratios: number[];
  jobMs: number[];
  history: HistoryFigures;
  memory: number;
}

export async function compare({ rounds }: { rounds: number }): Promise<void> {
  const rows = [
    [
      '',
      'customers',
      'job, s',
      'ratio',
      'events a customer',
      'history bytes a customer',
      'actions a chunk',
      'worker, MiB',
    ],
  ];
  const bars = [];
  const compared: [Case, Compared][] = [];
  for (const side of CASES) {
    compared.push(
      ...(await Promise.all(side.map(async (each) => [each, await compareIn(each, rounds)] as [Case, Compared]))),
    );
  }
  for (const [each, { ratios, jobMs, history, memory }] of compared) {
    const chunks = Math.ceil(each.customers / 10);
    rows.push([
      each.name,
      String(each.customers),
      (median(jobMs) / 1000).toFixed(1),
      spread(ratios, 3),
      (history.events / each.customers).toFixed(2),
      (history.bytes / each.customers).toFixed(0),
      (history.actions / chunks).toFixed(2),
      String(memory),
    ]);
    bars.push({ name: each.name, values: ratios });
  }
  const text = [
    '# The job against a plain loop',
    `From \`npm run bench\`, ${rounds} rounds, alternating. Ratio: the time of the plain loop (undici, three connections, nothing else; with a quota, the time that the quota allows) over the time of the job, from its start to its result; median (lowest–highest).`,
    table(rows),
    await machine(),
  ];
  await save('compare.md', text.join('\n\n'));
  await save('compare.svg', ratioChart('The job against a plain loop, 1 = as fast', bars));
}

async function compareIn({ customers: count, latencyMs, quota, name }: Case, rounds: number): Promise<Compared> {
  const flags = ['--customers', String(count), '--latency', String(latencyMs)];
  if (quota) flags.push('--quota', String(quota.calls), '--window', String(quota.windowMs));
  const system = await startSystem({ emulator: flags });
  try {
    const uri = await writeSource(system, 'all.ndjson', customers(count));
    const memory = new Memory(system.workers[0]?.pid as number);
    const ratios = [];
    const jobMs = [];
    for (let round = 0; round < rounds; round++) {
      const plainMs = quota ? Math.floor((count / 10 - 1) / quota.calls) * quota.windowMs : await plain(system, uri);
      // Every round begins with a new window.
      if (quota && round > 0) await sleep(quota.windowMs);
      const startedAt = performance.now();
      const { customers: counts } = await system.run(`round-${round}`, { storeHash: 'abc', source: { uri } });
      jobMs.push(performance.now() - startedAt);
      ratios.push(plainMs / (jobMs.at(-1) as number));
      console.error(`${name}, round ${round + 1}: ${(ratios.at(-1) as number).toFixed(3)}`);
      const { maxInFlight } = await system.stats();
      if (counts.updated !== count || Number(maxInFlight) > 3)
        throw new Error(`Expected ${count} updated with 3 in flight, got ${JSON.stringify({ counts, maxInFlight })}.`);
    }
    memory.stop();
    return { ratios, jobMs, history: await historyFigures(system, jobId('abc', 'round-0')), memory: memory.peak };
  } finally {
    await system.close();
  }
}

/** How long the plain loop takes, in ms. */
async function plain({ apiUrl }: System, uri: string): Promise<number> {
  const program = fileURLToPath(new URL('plain-loop.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    program,
    apiUrl,
    'abc',
    String(TOKENS['abc']),
    fileURLToPath(uri),
  ]);
  return Number(stdout);
}
