import { join } from 'node:path';
import { Client } from '@temporalio/client';
import type { Browser } from 'playwright-core';
import { freePorts } from '../../dev/servers/ports.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { startCustomerUpdate } from '../../src/client.ts';
import { dataConverterOf } from '../../src/payloads/index.ts';
import { startCodecServer, writePayloadKeys } from '../support/codec-server.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { screenshot, startChromium } from './browser.ts';

const TOKEN = 'token-of-the-codec-server';
let browser: Browser;
let system: System;
let codecServer: Program;
let keysFile: string;
let codecUrl: string;

beforeAll(async () => {
  browser = await startChromium();
  const [port = 0] = await freePorts(1);
  codecUrl = `http://127.0.0.1:${port}`;
  system = await startSystem({ server: { ui: true }, workers: 0 });
  keysFile = await writePayloadKeys(join(system.folder, 'keys.json'));
  const origins = system.server.uiUrl ?? '';
  codecServer = await startCodecServer(port, {
    PAYLOAD_KEYS_FILE: keysFile,
    CODEC_ORIGINS: origins,
    CODEC_TOKEN: TOKEN,
  });
  await system.startWorker({ PAYLOAD_KEYS_FILE: keysFile });
});
afterAll(async () => {
  await browser.close();
  await codecServer.kill();
  await system.close();
});

test('the Web UI shows a customer’s values through the codec server, to a browser that has its token', async () => {
  const client = new Client({ connection: system.connection, dataConverter: await dataConverterOf(keysFile) });
  const input = { storeHash: 'abc', source: { customers: [{ id: 1, notes: 'confidential-note' }] } };
  const job = await startCustomerUpdate(client, input, 'encrypted');
  await job.result();
  const { runId } = await client.workflow.getHandle(job.id).describe();
  const history = `${system.server.uiUrl}/namespaces/default/workflows/${encodeURIComponent(job.id)}/${runId}/history`;

  const page = await browser.newPage();
  // As a person sets them in the Web UI's form for the codec server.
  const settings = { endpoint: codecUrl, includeCredentials: true, overrideRemoteCodecConfiguration: true };
  await page.addInitScript(
    Object.entries(settings)
      .map(([name, value]) => `localStorage.setItem('${name}', '${JSON.stringify(value)}');`)
      .join(''),
  );
  const shows = async (expected: RegExp) => {
    let text = '';
    const shown = async () => {
      text = (await page.textContent('body')) ?? '';
      return expected.test(text);
    };
    await page.goto(history);
    await until(shown).catch(() => {
      throw new Error(`Expected ${expected}, got:\n${text}`);
    });
    return text;
  };
  expect(await shows(/encryption-key-id/)).not.toContain('confidential-note');

  await page.goto(codecUrl);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button').click();
  await page.getByText('has the token').waitFor();
  await shows(/confidential-note/);
  await screenshot(page, 'decoded');
});
