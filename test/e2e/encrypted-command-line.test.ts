import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { freePorts } from '../../dev/servers/ports.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { startCodecServer, writePayloadKeys } from '../support/codec-server.ts';
import { useSystem } from '../support/system.ts';

const TOKEN = 'a-token-of-this-test';
const ID = 'customer-updates/abc/by-hand';

const system = useSystem({ workers: 0 });
let codecServer: Program;
let cli: string;
let codec: string[];

beforeAll(async () => {
  const keys = { PAYLOAD_KEYS_FILE: await writePayloadKeys(`${system.folder}/keys.json`) };
  const [port] = (await freePorts(1)) as [number];
  codecServer = await startCodecServer(port, { ...keys, CODEC_TOKEN: TOKEN });
  await system.startWorker(keys);
  cli = await findTemporal();
  codec = ['--codec-endpoint', `http://127.0.0.1:${port}`];
});
afterAll(() => codecServer.stop());

/** Runs the Temporal command line; resolves to what it prints, and rejects where it exits with another code than 0. */
async function temporal(...args: string[]): Promise<string> {
  const run = promisify(execFile);
  const env = { ...process.env, ...system.temporalEnv };
  return (await run(cli, [...args, '--workflow-id', ID], { env })).stdout;
}

/** What the payloads of the job's history hold, one after the other. */
async function history(...args: string[]): Promise<string> {
  const shown = await temporal('workflow', 'show', '--output', 'json', ...args);
  const payloads = [...shown.matchAll(/"data": "([^"]*)"/g)];
  return payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString()).join('\n');
}

test('the command line starts a job and reads it through the codec server, with its token only', async () => {
  const signedIn = [...codec, '--codec-auth', `Bearer ${TOKEN}`];
  const input = JSON.stringify({ storeHash: 'abc', source: { customers: [{ id: 1, notes: 'confidential' }] } });
  const type = ['--type', 'updateCustomers', '--task-queue', 'customer-updates'];
  await temporal('workflow', 'start', ...type, '--input', input, ...signedIn);

  expect(await temporal('workflow', 'result', ...signedIn)).toMatch(/"updated":\s*1\b/);
  expect(await temporal('workflow', 'query', '--type', 'progress', ...signedIn)).toMatch(/"state":\s*"completed"/);
  expect(await history(...signedIn)).toMatch(/confidential/);
  expect(await history()).not.toMatch(/confidential/);
  await expect(temporal('workflow', 'query', '--type', 'progress', ...codec)).rejects.toThrow(/CODEC_TOKEN/);
});
