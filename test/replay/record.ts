/**
 * Records histories of each feature on a real server, for replay on later code: `npm run record-histories` before a
 * release, and whenever a feature gives histories a new shape. Replaces the files of the package's own version only.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { findTemporal } from '../../dev/dev-server.ts';
import { pauseUpdate, progressQuery, resumeUpdate, storeWorkflowId, type JobOptions } from '../../src/contract.ts';
import { SEARCH_ATTRIBUTES } from '../../src/search-attributes.ts';
import { customers, writeSource } from '../support/customers.ts';
import { startSystem, TOKENS } from '../support/system.ts';
import { until } from '../support/until.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const folder = fileURLToPath(new URL('histories', import.meta.url));

const temporal = await findTemporal();
const system = await startSystem({
  emulator: ['--customers', '2000', '--latency', '10'],
  server: { searchAttributes: SEARCH_ATTRIBUTES, dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 300 } },
});

async function start(name: string, rows: unknown[], options: JobOptions = {}) {
  const uri = await writeSource(system, `${name}.ndjson`, rows);
  return system.start(name, { storeHash: 'abc', source: { uri }, options });
}

/** Writes the history of each run of a workflow. */
async function record(name: string, workflowId: string): Promise<void> {
  let run = 0;
  for await (const { runId } of system.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const which = ['--workflow-id', workflowId, '--run-id', runId, '--address', system.server.address];
    const history = execFileSync(temporal, ['workflow', 'show', ...which, '--output', 'json'], { maxBuffer: 2 ** 30 });
    const file = `${folder}/${version}-${name}-${run++}.json.gz`;
    writeFileSync(file, gzipSync(history, { level: 9 }));
    console.log(file);
  }
}

async function recordEnded(name: string, handle: WorkflowHandle): Promise<void> {
  await handle.result().catch(() => undefined);
  await record(name, handle.workflowId);
}

const state = async (handle: WorkflowHandle) => (await handle.query(progressQuery)).state;
const done = async (handle: WorkflowHandle) => (await handle.query(progressQuery)).chunks.done;

try {
  const mixed = customers(1500);
  for (let row = 5; row < 1500; row += 97) mixed[row] = { id: 900_000 + row, notes: 'nobody' };
  mixed[1] = { id: 2, email: 'customer100@example.com' };
  mixed[2] = { id: 3, first_name: '' };
  await recordEnded('continued', await start('continued', mixed));

  await system.control('faults', [
    { fault: 'throttle', count: 2, after: 2 },
    { fault: 'status', status: 502, count: 2, after: 1 },
  ]);
  await recordEnded('tried-again', await start('tried-again', customers(100)));

  const paused = await start('paused', customers(300));
  await until(async () => (await done(paused)) > 2);
  await paused.executeUpdate(pauseUpdate, { args: [{ reason: 'recorded' }] });
  await paused.executeUpdate(resumeUpdate);
  await recordEnded('paused', paused);

  const cancelled = await start('cancelled', customers(300));
  await until(async () => (await done(cancelled)) > 2);
  await cancelled.cancel();
  await recordEnded('cancelled', cancelled);

  const refused = await start('refused', customers(200));
  await until(async () => (await done(refused)) > 2);
  await system.control('tokens', { store: 'abc', token: 'reissued' });
  await until(async () => (await state(refused)) === 'held');
  await system.control('tokens', { store: 'abc', token: TOKENS.abc });
  await refused.executeUpdate(resumeUpdate);
  await recordEnded('refused', refused);

  const outage = await start('outage', customers(200));
  await until(async () => (await done(outage)) > 2);
  await system.control('faults', { fault: 'status', status: 503, count: 'always' });
  await until(async () => (await state(outage)) === 'held', 60_000);
  await system.control('faults', { clear: true });
  await recordEnded('outage', outage);

  const nobody = Array.from({ length: 2_500 }, (_, index) => ({ id: 1_000_000 + index, notes: 'nobody' }));
  await recordEnded('all-rejected', await start('all-rejected', nobody, { maxRejectedPercent: 100 }));

  await recordEnded('dry-run', await start('dry-run', customers(20), { dryRun: true }));
  const reads = { backup: true, skipUnchanged: true };
  await recordEnded('reading', await start('reading', mixed, reads));
  await recordEnded('dry-run-reading', await start('dry-run-reading', mixed, { ...reads, dryRun: true }));
  await recordEnded('invalid-rows', await start('invalid-rows', [{ id: 0 }], { onInvalid: 'fail' }));
  await recordEnded('bad-source', await start('bad-source.txt', []));
  await record('serve-store', storeWorkflowId('abc'));
} finally {
  await system.close();
}
