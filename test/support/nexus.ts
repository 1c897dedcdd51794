/** What docs/contract.md says about Nexus, done: the endpoint, and callers. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import type { System } from './system.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The task queue of `startCaller`. */
export const CALLERS_TASK_QUEUE = 'TypeScript';

/** The endpoint's command, or the caller in this language, whose workflow `updateFromCrm` passes its input on. */
export async function fromContract(language: 'ts' | 'python' | 'sh'): Promise<string> {
  const contract = await readFile(join(ROOT, 'docs/contract.md'), 'utf8');
  const [, section = ''] = contract.split('\n## From workflows: Nexus\n');
  const [, text] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(section) ?? [];
  if (text === undefined) throw new Error(`The contract has no block in ${language} about Nexus.`);
  return text;
}

/** Makes the endpoint by which a system's namespace is called. */
export async function createEndpoint({ server, namespace }: System): Promise<void> {
  const command = (await fromContract('sh'))
    .replace(/^temporal /, `${await findTemporal()} `)
    .replace('--target-namespace default', `--target-namespace ${namespace}`);
  await run('sh', ['-ec', command], { env: { ...process.env, TEMPORAL_ADDRESS: server.address } });
}

export interface RunningCaller {
  close(): Promise<void>;
}

/** Runs the caller in TypeScript, in this process. */
export async function startCaller(address: string, namespace: string): Promise<RunningCaller> {
  const folder = await mkdtemp(join(tmpdir(), 'caller-'));
  const workflowsPath = join(folder, 'caller.ts');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(workflowsPath, await fromContract('ts'));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  await rm(folder, { recursive: true });
  // It would log each failure that a test wants.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({ connection, namespace, taskQueue: CALLERS_TASK_QUEUE, workflowBundle });
  const running = worker.run();
  return {
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
