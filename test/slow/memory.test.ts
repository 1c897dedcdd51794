/** A worker's memory stays bounded, however many jobs come at once. */
import { readFile } from 'node:fs/promises';
import type { Program } from '../../dev/servers/processes.ts';
import { writeSource } from '../support/customers.ts';
import { useSystem } from '../support/system.ts';

const stores = Array.from({ length: 20 }, (_, index) => `s${index}`);
const system = useSystem({
  tokens: Object.fromEntries(stores.map((store) => [store, `token-of-${store}`])),
  emulator: ['--customers', '60000', '--latency', '2'],
  workers: 0,
});

/** A worker's largest resident size so far, in MB. */
async function peakOf({ pid }: Program): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_000;
}

/** Runs as many jobs as there are names, all at once, each of so many rows with notes of so many characters. */
async function peakWith(names: { store: string; name: string }[], rows: number, characters: number): Promise<number> {
  const worker = await system.startWorker({ LOG_LEVEL: 'info' });
  const notes = 'x'.repeat(characters);
  const customers = Array.from({ length: rows }, (_, index) => ({ id: index + 1, notes }));
  const uri = await writeSource(system, `${rows}.ndjson`, customers);
  const jobs = await Promise.all(
    names.map(({ store, name }) => system.start(name, { storeHash: store, source: { uri }, options: { limit: 100 } })),
  );
  for (const job of jobs) expect((await job.result()).customers).toMatchObject({ total: rows, updated: 100 });
  const peak = await peakOf(worker);
  await worker.stop();
  console.info(`${names.length} jobs of ${rows} rows of ${characters} characters at once: ${Math.round(peak)} MB`);
  return peak;
}

test('40 jobs with the largest rows are prepared at once in less than 1.2 GB', async () => {
  const names = Array.from({ length: 40 }, (_, index) => ({
    store: stores[index % 20] as string,
    name: `large ${index}`,
  }));
  expect(await peakWith(names, 1_500, 60_000)).toBeLessThan(1_200);
});

test('20 stores are given 60,000 rows of 2 KB each at once in less than 800 MB', async () => {
  const names = stores.map((store) => ({ store, name: 'many' }));
  expect(await peakWith(names, 60_000, 2_000)).toBeLessThan(800);
});
