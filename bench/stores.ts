/** Ten stores at once on one worker, each with its own three calls. */
import { customers, writeSource } from '../test/support/customers.ts';
import { startSystem, tokensOf } from '../test/support/system.ts';
import { machine, save, table } from './results.ts';

const STORES = Array.from({ length: 10 }, (_, index) => `store${index}`);
const LATENCIES_MS = [1_000, 300, 100];

export async function stores(): Promise<void> {
  let most = 0;
  const rows = [['a call', 'one store, customers/s', 'ten stores, customers/s', 'of one', 'most in flight at a store']];
  for (const latencyMs of LATENCIES_MS) {
    // Enough that starting and ending a job matter little.
    const count = Math.round((30 * 25_000) / Math.max(latencyMs, 100) / 10) * 10;
    const system = await startSystem({
      tokens: tokensOf(STORES),
      emulator: ['--customers', String(count), '--latency', String(latencyMs)],
    });
    try {
      const uri = await writeSource(system, 'all.ndjson', customers(count));
      const rate = async (hashes: string[], name: string) => {
        const startedAt = performance.now();
        await Promise.all(hashes.map((storeHash) => system.run(name, { storeHash, source: { uri } })));
        return (count * hashes.length * 1000) / (performance.now() - startedAt);
      };
      const one = await rate(STORES.slice(0, 1), 'alone');
      const ten = await rate(STORES, 'together');
      most = Math.max(most, ten);
      const inFlight = await Promise.all(STORES.map(async (store) => (await system.stats(store)).maxInFlight));
      rows.push([
        `${latencyMs} ms`,
        one.toFixed(0),
        ten.toFixed(0),
        `${(ten / one).toFixed(2)} ×`,
        String(Math.max(...inFlight.map(Number))),
      ]);
      console.error(rows.at(-1)?.join(' · '));
    } finally {
      await system.close();
    }
  }
  const text = [
    '# Ten stores at once',
    'From `npm run bench -- stores`: the same job at one store, then at ten at once, on one worker process.',
    table(rows),
    `The machine's limit: ${most.toFixed(0)} customers a second, with the Temporal server, the emulator and the worker on its cores.`,
    await machine(),
  ];
  await save('stores.md', text.join('\n\n'));
}
