/**
 * `npm run bench`: the job beside a plain loop, alternating, on one machine. `-- million`: a job of a million customers.
 * `-- stores`: ten stores at once. Each prints a table and writes it to bench/results.
 */
import { compare } from './compare.ts';
import { million } from './million.ts';
import { stores } from './stores.ts';

const benches: Record<string, () => Promise<void>> = { compare, million, stores };
const [name = 'compare', ...rest] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined || rest.length > 0) {
  console.error(
    `Expected one of ${Object.keys(benches).join(', ')} or nothing, got ${process.argv.slice(2).join(' ')}.`,
  );
  process.exitCode = 2;
} else {
  await bench();
}
