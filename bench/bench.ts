/**
 * `npm run bench`: the job against a plain loop, alternating, on one machine. `-- million`: a job of a million
 * customers. `-- nightly`: a file of a million of whom 1% have changed. `-- stores`: ten stores at once. `-- memory`: many
 * large jobs at once. Each prints a table and writes it to bench/results. `--server postgres` uses Temporal's server on
 * PostgreSQL instead of the dev server. `--rounds N` sets the rounds of the first, 5 by default, `--customers N` the size of
 * the second and the third.
 */
import { parseArgs } from 'node:util';
import { startTestDatabase } from '../test/support/server.ts';
import { compare } from './compare.ts';
import { memory } from './memory.ts';
import { million } from './million.ts';
import { nightly } from './nightly.ts';
import { stores } from './stores.ts';

const benches: Record<string, (sizes: { rounds: number; customers: number }) => Promise<void>> = {
  ...{ compare, million, nightly, stores, memory },
};
const options = {
  server: { type: 'string', default: 'dev' },
  rounds: { type: 'string', default: '5' },
  customers: { type: 'string', default: '1000000' },
} as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const [name = 'compare', ...rest] = positionals;
const bench = benches[name];
const sizes = { rounds: Number(values.rounds), customers: Number(values.customers) };
const areSizes = sizes.rounds >= 1 && sizes.customers >= 1;
if (bench === undefined || !areSizes || rest.length > 0 || !['dev', 'postgres'].includes(values.server)) {
  console.error(
    `Expected nothing or one of ${Object.keys(benches).join(', ')}, and optionally --server postgres, --rounds N and --customers N, got ${process.argv.slice(2).join(' ')}.`,
  );
  process.exitCode = 2;
} else if (values.server === 'postgres') {
  const postgres = await startTestDatabase();
  try {
    await bench(sizes);
  } finally {
    await postgres.close();
  }
} else {
  await bench(sizes);
}
