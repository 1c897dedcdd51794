import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { freePorts } from '../../dev/servers/ports.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { startCustomerUpdate } from '../../src/client.ts';
import { dataConverterOf } from '../../src/payloads/index.ts';
import { startCodecServer } from '../support/codec-server.ts';
import { customers } from '../support/customers.ts';
import { storedBy } from '../support/server.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ durable: true, workers: 0, emulator: ['--customers', '1000', '--latency', '20'] });
let keysFile: string;
const keys = { '2026-05': randomBytes(32).toString('base64'), '2026-11': randomBytes(32).toString('base64') };

async function writeKeys(name: string, ids: (keyof typeof keys)[]): Promise<string> {
  const path = join(system.folder, name);
  const content = { encryptWith: ids[0], keys: Object.fromEntries(ids.map((id) => [id, keys[id]])) };
  await writeFile(path, JSON.stringify(content));
  return path;
}

beforeAll(async () => {
  keysFile = await writeKeys('keys.json', ['2026-05']);
});

const encryptingClient = async (file = keysFile) =>
  new Client({ connection: system.connection, dataConverter: await dataConverterOf(file) });

/** Which of the texts can be read in the server's database. */
async function inDatabase(texts: string[]): Promise<string[]> {
  const bytes = await storedBy(system.server, system.folder);
  return texts.filter((text) => bytes.includes(text));
}

test('no customer, reason or message can be read in the server’s database, and everything works as without encryption', async () => {
  const worker = await system.startWorker({ PAYLOAD_KEYS_FILE: keysFile });
  const client = await encryptingClient();
  const rows = [
    ...customers(20).map(({ id }) => ({ id, notes: `confidential-${id}` })),
    { id: 900_001, notes: 'confidential-unknown' },
    { id: 21, first_name: '', notes: 'confidential-invalid' },
  ];
  await system.control('tokens', { store: 'abc', token: 'another' });
  const input = { storeHash: 'abc', source: { customers: rows } };
  const job = await startCustomerUpdate(client, input, 'secret', { startedBy: 'secret-person' });
  await until(async () => (await job.progress()).state === 'held');
  expect((await job.pause('secret-reason')).state).toBe('paused');
  await system.control('reset', {});
  await job.resume();
  expect((await job.result()).customers).toMatchObject({ total: 22, updated: 20, rejected: 1, invalid: 1 });
  expect((await job.failures()).failures).toMatchObject([{ code: 'unknown_id' }, { code: 'invalid_field' }]);

  // A job that can't run at all: its failure's message names the file.
  const uri = 'file:///secret-file.csv';
  const bad = await startCustomerUpdate(client, { storeHash: 'abc', source: { uri } }, 'bad');
  await expect(bad.result()).rejects.toThrow(/secret-file/);

  const { output, code } = await runStarter(system, ['show', job.id], undefined, { PAYLOAD_KEYS_FILE: keysFile });
  expect(output).toMatch(/updated +20[^]*900001/);
  expect(code).toBe(1);
  const listed = await runStarter(system, ['list'], undefined, { PAYLOAD_KEYS_FILE: keysFile });
  expect(listed.output).toMatch(/secret-person/);

  // Unencrypted text can be read, which shows that the search works.
  await system.start('plain', { storeHash: 'abc', source: { customers: [{ id: 1, notes: 'plain-to-see' }] } });
  expect(await worker.stop()).toBe(0);
  const texts = ['confidential', 'secret-person', 'secret-reason', 'secret-file', 'unknown_id', 'invalid_field'];
  expect(await inDatabase([...texts, 'plain-to-see'])).toEqual(['plain-to-see']);
});

/** Whether one of its workflow tasks failed. */
async function hasFailedTask(id: string): Promise<boolean> {
  const { events } = await system.client.workflow.getHandle(id).fetchHistory();
  return events?.some(({ workflowTaskFailedEventAttributes: failed }) => failed) ?? false;
}

test('jobs, new or running, wait for a worker with their key while one without it gets their tasks', async () => {
  // So slow that the job can't end before its worker stops.
  await system.control('faults', { fault: 'latency', ms: 2_000 });
  const client = await encryptingClient();
  const input = { storeHash: 'abc', source: { customers: customers(100) } };
  const first = await system.startWorker({ PAYLOAD_KEYS_FILE: keysFile });
  const begun = await startCustomerUpdate(client, input, 'begun');
  await until(async () => (await begun.progress()).chunks.done > 0);
  expect(await first.stop()).toBe(0);
  await system.control('faults', { clear: true });
  const keyless = await system.startWorker();
  const fresh = await startCustomerUpdate(client, input, 'fresh');
  // It makes a workflow task for a job that waits for its chunks, and is ignored.
  await client.workflow.getHandle(begun.id).signal('nudge');
  for (const { id } of [begun, fresh]) await until(() => hasFailedTask(id));
  for (const { id } of [begun, fresh]) {
    expect((await client.workflow.getHandle(id).describe()).status.name).toBe('RUNNING');
  }
  await keyless.stop();
  const worker = await system.startWorker({ PAYLOAD_KEYS_FILE: keysFile });
  expect((await begun.result()).customers).toMatchObject({ total: 100, updated: 100 });
  expect((await fresh.result()).customers).toMatchObject({ total: 100, updated: 100 });
  expect(await worker.stop()).toBe(0);
});

test('a job continues when the key is rotated while it runs, because the old key still decrypts', async () => {
  await system.control('faults', { fault: 'latency', ms: 300 });
  const before = await system.startWorker({ PAYLOAD_KEYS_FILE: keysFile });
  const input = { storeHash: 'abc', source: { customers: customers(400) } };
  const job = await startCustomerUpdate(await encryptingClient(), input, 'rotated');
  await until(async () => (await job.progress()).chunks.done > 3);
  const after = await writeKeys('new-keys.json', ['2026-11', '2026-05']);
  expect(await before.stop()).toBe(0);
  const worker = await system.startWorker({ PAYLOAD_KEYS_FILE: after });
  const same = await startCustomerUpdate(await encryptingClient(after), input, 'rotated');
  expect((await same.result()).customers).toMatchObject({ total: 400, updated: 400 });
  expect(await worker.stop()).toBe(0);
});

test('a starter without the key names the setting it needs', async () => {
  for (const command of [['show', 'customer-updates/abc/secret'], ['list']]) {
    const { output, code } = await runStarter(system, command);
    expect(output).toMatch(/PAYLOAD_KEYS_FILE/);
    expect(output).not.toMatch(/^ +at /m);
    expect(code).toBe(2);
  }
  const other = await writeKeys('other-keys.json', ['2026-11']);
  const { output, code } = await runStarter(system, ['list'], undefined, { PAYLOAD_KEYS_FILE: other });
  expect(output).toMatch(/the key "2026-05", and the keys here are 2026-11/);
  expect(code).toBe(2);
});

describe('the Temporal command line', () => {
  const TOKEN = 'a-token-of-this-test';
  const ID = 'customer-updates/abc/by-hand';

  let codecServer: Program;
  let cli: string;
  let codec: string[];

  beforeAll(async () => {
    const keys = { PAYLOAD_KEYS_FILE: await writeKeys('all-keys.json', ['2026-11', '2026-05']) };
    const [port] = (await freePorts(1)) as [number];
    codecServer = await startCodecServer(port, { ...keys, CODEC_TOKEN: TOKEN });
    await system.startWorker(keys);
    cli = await findTemporal();
    codec = ['--codec-endpoint', `http://127.0.0.1:${port}`];
  });
  afterAll(() => codecServer.stop());

  /** Runs the Temporal command line; resolves to what it prints, and rejects if it exits with anything but 0. */
  async function temporal(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const env = { ...process.env, ...system.temporalEnv };
    return (await run(cli, [...args, '--workflow-id', ID], { env })).stdout;
  }

  /** The contents of all payloads in the job's history. */
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
});
