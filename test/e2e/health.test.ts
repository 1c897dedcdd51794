import { fileURLToPath } from 'node:url';
import { freePorts } from '../../dev/servers/ports.ts';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { customers } from '../support/customers.ts';
import { startProxy } from '../support/proxy.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));

const system = useSystem({ emulator: ['--customers', '100', '--latency', '2000'], durable: true, workers: 0 });
let worker: Program;
let address: string;

beforeAll(async () => {
  const [port] = await freePorts(1);
  address = `127.0.0.1:${port}`;
});

interface Answer {
  status: number;
  ok: boolean;
  reasons: string[];
}

async function ask(path: string, method = 'GET'): Promise<Answer> {
  const response = await fetch(`http://${address}${path}`, { method });
  return { status: response.status, ...((await response.json()) as { ok: boolean; reasons: string[] }) };
}

const LIVE = { status: 200, ok: true, reasons: [] };

test('a worker that has not reached the server yet lives, and is starting', async () => {
  const proxy = await startProxy(system.server.address);
  proxy.cut();
  const env = { ...system.env, TEMPORAL_ADDRESS: proxy.address, HEALTH_ADDRESS: address };
  const starting = startProgram(process.execPath, [WORKER], { env });
  try {
    await until(async () => (await ask('/live').catch(() => undefined)) !== undefined);
    expect(await ask('/ready')).toEqual({ status: 503, ok: false, reasons: ['starting'] });
    expect(await ask('/live')).toEqual(LIVE);
  } finally {
    await starting.kill();
    proxy.close();
  }
});

test('a worker that polls is ready', async () => {
  worker = await system.startWorker({ HEALTH_ADDRESS: address });
  expect(await ask('/ready')).toEqual({ status: 200, ok: true, reasons: [] });
  expect(await ask('/')).toEqual({ status: 404, ok: false, reasons: ['ask for /live or /ready'] });
  expect(await ask('/ready', 'POST')).toMatchObject({ status: 405, ok: false });
});

test('it is not when the server is gone, and again when that is back; it lives all the while', async () => {
  await system.server.kill();
  await until(async () => (await ask('/ready')).status === 503);
  expect(await ask('/ready')).toMatchObject({
    ok: false,
    reasons: [expect.stringMatching(/^no answer of Temporal for \d+ s$/)],
  });
  expect(await ask('/live')).toEqual(LIVE);
  await system.restartServer();
  await until(async () => (await ask('/ready')).status === 200);
});

test('a worker that stops is not ready while its calls end, lives until they have, and then is gone', async () => {
  await system.start('slow', { storeHash: 'abc', source: { customers: customers(10) } });
  await until(async () => Number((await system.stats()).puts) > 0);
  worker.signal('SIGTERM');
  await until(async () => (await ask('/ready')).status === 503);
  expect(await ask('/ready')).toEqual({ status: 503, ok: false, reasons: ['stopping'] });
  expect(await ask('/live')).toEqual(LIVE);
  expect(await worker.exited).toMatchObject({ code: 0 });
  await expect(ask('/live')).rejects.toThrow('fetch failed');
});
