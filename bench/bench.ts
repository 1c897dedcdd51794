/**
 * `npm run bench`: the job against a plain loop, alternating, on one machine. `-- million`: a job of a million
 * customers. `-- stores`: ten stores at once. Each prints a table and writes it to bench/results. `--server postgres`
 * uses Temporal's server on PostgreSQL instead of the dev server. `--rounds N` sets the rounds of the first, 5 by
 * default.
 */
import { parseArgs } from 'node:util';
import { startTestDatabase } from '../test/support/server.ts';
import { compare } from './compare.ts';
import { million } from './million.ts';
import { stores } from './stores.ts';

const benches: Record<string, (rounds: number) => Promise<void>> = { compare, million, stores };
const options = { server: { type: 'string', default: 'dev' }, rounds: { type: 'string', default: '5' } } as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const [name = 'compare', ...rest] = positionals;
const bench = benches[name];
const rounds = Number(values.rounds);
if (bench === undefined || !(rounds >= 1) || rest.length > 0 || !['dev', 'postgres'].includes(values.server)) {
  console.error(
    `Expected nothing or one of ${Object.keys(benches).join(', ')}, and optionally --server postgres and --rounds N, got ${process.argv.slice(2).join(' ')}.`,
  );
  process.exitCode = 2;
} else if (values.server === 'postgres') {
  const postgres = await startTestDatabase();
  try {
    await bench(rounds);
  } finally {
    await postgres.close();
  }
} else {
  await bench(rounds);
}
