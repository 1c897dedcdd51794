/**
 * Records a history of each scenario on a real server, for later code to replay: `npm run record-histories` before a
 * release, and whenever a feature gives histories a new shape. Replaces only the files of the package's own version;
 * with `-- FOLDER` it writes to another folder, and with names after that it records only those scenarios.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.ts';
import { startSystem } from '../support/system.ts';
import { HISTORIES, partsOf, VERSION } from './committed.ts';
import { SCENARIOS, type Stage } from './scenarios.ts';

const [folder = HISTORIES, ...only] = process.argv.slice(2);
const isAsked = (scenario: string) => only.length === 0 || only.includes(scenario);

const temporal = await findTemporal();
const system = await startSystem({
  emulator: ['--customers', '2000', '--latency', '10'],
  server: { searchAttributes: SEARCH_ATTRIBUTES, dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 300 } },
});

/** Writes the history of each run of the workflows, the latest run first. */
async function record(name: string, workflows: WorkflowHandle[]): Promise<void> {
  let run = 0;
  for (const { workflowId } of workflows) {
    for await (const { runId } of system.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      const which = ['--workflow-id', workflowId, '--run-id', runId, '--address', system.server.address];
      const history = execFileSync(temporal, ['workflow', 'show', ...which, '--output', 'json'], {
        maxBuffer: 2 ** 30,
      });
      writeFileSync(`${folder}/${VERSION}-${name}-${run++}.json.gz`, gzipSync(history, { level: 9 }));
    }
  }
  console.log(`${name}: ${run} histories, after ${Math.round(performance.now() / 1000)} s`);
}

try {
  const stage: Stage = { system, worker: (await system.workersUp())[0] as Program };
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const { of, scenario } = partsOf(file);
    if (of === VERSION && isAsked(scenario)) rmSync(`${folder}/${file}`);
  }
  for (const [name, play] of Object.entries(SCENARIOS)) {
    if (!isAsked(name)) continue;
    const workflows = await play(stage);
    for (const workflow of workflows) await workflow.result().catch(() => undefined);
    await system.control('faults', { clear: true });
    await record(name, workflows);
  }
} finally {
  await system.close();
}
