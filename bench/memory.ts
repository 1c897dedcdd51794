/** The memory of one worker that is given many large jobs at once. */
import { writeSource } from '../test/support/customers.ts';
import { startSystem, tokensOf } from '../test/support/system.ts';
import { Memory } from './figures.ts';
import { machine, save, table } from './results.ts';

const STORES = Array.from({ length: 20 }, (_, index) => `store${index}`);

/** Jobs at once, rows of each, and characters of each row's notes. */
const LOADS = [
  { jobs: 40, rows: 1_500, characters: 60_000 },
  { jobs: 20, rows: 60_000, characters: 2_000 },
];

/** So few of each are sent that preparing is what is measured. */
const LIMIT = 100;

export async function memory(): Promise<void> {
  const lines = [['jobs at once', 'rows each', 'characters a row', 'took', 'worker at most']];
  for (const { jobs, rows, characters } of LOADS) {
    const system = await startSystem({
      tokens: tokensOf(STORES),
      emulator: ['--customers', String(LIMIT), '--latency', '10'],
    });
    try {
      const notes = 'x'.repeat(characters);
      const source = Array.from({ length: rows }, (_, index) => ({ id: index + 1, notes }));
      const uri = await writeSource(system, 'large.ndjson', source);
      const memory = new Memory(system.workers[0]?.pid ?? 0);
      const begun = performance.now();
      await Promise.all(
        Array.from({ length: jobs }, (_, index) => {
          const storeHash = STORES[index % STORES.length] as string;
          return system.run(`large ${index}`, { storeHash, source: { uri }, options: { limit: LIMIT } });
        }),
      );
      const seconds = Math.round((performance.now() - begun) / 1_000);
      memory.stop();
      lines.push([...[jobs, rows, characters].map(String), `${seconds} s`, `${memory.peak} MiB`]);
      console.error(lines.at(-1)?.join(' · '));
    } finally {
      await system.close();
    }
  }
  const text = [
    '# The memory of a worker that is given many large jobs at once',
    'From `npm run bench -- memory`: one worker prepares three jobs at a time, however many are started.',
    table(lines),
    await machine(),
  ];
  await save('memory.md', text.join('\n\n'));
}
