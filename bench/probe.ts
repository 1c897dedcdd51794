import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { customers, writeSource } from '../test/support/customers.ts';
import { startSystem, TOKENS } from '../test/support/system.ts';
const run = promisify(execFile);
const latency = process.argv[2] ?? '100',
  count = Number(process.argv[3] ?? 3000),
  times = Number(process.argv[4] ?? 3);
const system = await startSystem({ emulator: ['--customers', String(count), '--latency', latency] });
const uri = await writeSource(system, 'all.ndjson', customers(count));
for (let i = 0; i < times; i++) {
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    'bench/plain-loop.ts',
    system.apiUrl,
    'abc',
    TOKENS['abc']!,
    new URL(uri).pathname,
  ]);
  const startedAt = performance.now();
  const r = await system.run(`job-${i}`, { storeHash: 'abc', source: { uri } });
  const took = performance.now() - startedAt;
  console.log(
    stdout.trim(),
    Math.round(took),
    (Number(stdout) / took).toFixed(3),
    r.customers.updated,
    JSON.stringify(await system.stats().then((s) => s.maxInFlight)),
  );
}
await system.close();
