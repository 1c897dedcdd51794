import { Client } from '@temporalio/client';
import type { Browser, Page } from 'playwright-core';
import { type CustomerUpdate, startCustomerUpdate } from '../../src/client.ts';
import { storeWorkflowId } from '../../src/contract/job.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.ts';
import { customers, writeSource } from '../support/customers.ts';
import { CALLERS_TASK_QUEUE, createEndpoint, startCaller } from '../support/nexus.ts';
import { registerNamespace } from '../support/server.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { screenshot, startChromium } from './browser.ts';

let browser: Browser;
let system: System;
let page: Page;

beforeAll(async () => {
  browser = await startChromium();
  system = await startSystem({
    server: { ui: true, searchAttributes: SEARCH_ATTRIBUTES },
    tokens: { abc: 'token-of-abc', def: 'token-of-def', ghi: 'token-of-ghi' },
    // Even on a busy machine, a window's quota is used up long before the window ends.
    emulator: ['--customers', '5000', '--latency', '250', '--quota', '60', '--window', '60000'],
  });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
});
afterAll(async () => {
  await browser.close();
  await system.close();
});

const unknown = (count: number) => Array.from({ length: count }, (_, index) => ({ id: 900_000 + index, notes: 'x' }));

async function start(storeHash: string, name: string, rows: unknown[]): Promise<CustomerUpdate> {
  const input = { storeHash, source: { uri: await writeSource(system, `${name}.ndjson`, rows) } };
  return startCustomerUpdate(system.client, input, name, { startedBy: 'Ada, for the spring sale' });
}

/** Opens a tab of a workflow's page, and resolves with its text once that matches. */
async function open(workflowId: string, tab: string, expected: RegExp): Promise<string> {
  const { runId } = await system.client.workflow.getHandle(workflowId).describe();
  const workflow = `${system.server.uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}`;
  let text = '';
  // The page fetches its content once after it has loaded, and does not refresh it.
  const shows = async () => {
    // Markdown is in its own frames.
    const texts = await Promise.all(page.frames().map((frame) => frame.innerText('body').catch(() => '')));
    text = texts.join('\n');
    return expected.test(text);
  };
  const loaded = async () => {
    await page.goto(`${workflow}/${tab}`);
    await page.getByText('Workflow Type').waitFor();
    return until(shows, 3_000).then(
      () => true,
      () => false,
    );
  };
  await until(loaded, 150_000).catch(() => {
    throw new Error(`Expected ${expected} in ${tab} of ${workflowId}, got:\n${text}`);
  });
  return text;
}

test('a running job shows how far it is, how fast, and its expected end', async () => {
  // The first chunk is sent alone, so they are rejected before any other is done.
  const job = await start('abc', 'spring', [...unknown(3), ...customers(3_000).slice(3)]);
  await until(async () => (await job.progress()).chunks.done >= 12);
  const text = await open(job.id, 'user-metadata', /[\d.]+ calls\/s, 3 at once/);
  expect(text).toMatch(/store abc · spring/);
  expect(text).toMatch(/running: \d+ of 300 chunks done/);
  expect(text).toMatch(/unprocessed\s+3000\s+\d+\s+3\s+0\s+0\s+\d+/);
  expect(text).toMatch(/done at about 20\d\d-\d\d-\d\dT[\d:]+Z/);
  expect(text).toContain(`npm run starter -- pause ${job.id}`);
  await screenshot(page, 'running');
  expect(await open(job.id, 'memo', /startedBy/)).toContain('Ada, for the spring sale');
  expect(await open(job.id, 'search-attributes', /CustomerUpdatesState/)).toMatch(/"CustomerUpdatesStore": "abc"/);
});

test('the store shows which worker serves it, for which jobs, and at what pace', async () => {
  const text = await open(storeWorkflowId('abc'), 'pending-activities', /Heartbeat Details[^]*concurrency/);
  expect(text).toContain(`"worker": "${system.workers[0]?.pid}@`);
  expect(text).toContain('customer-updates/abc/spring');
  expect(text).toMatch(/"concurrency": 3/);
  await screenshot(page, 'store');
});

test('a throttled job shows what it waits for', async () => {
  const job = 'customer-updates/abc/spring';
  const waiting = await open(job, 'pending-activities', /"reason": "quota"/);
  expect(waiting).toMatch(/"until": "20\d\d-/);
  expect(await open(job, 'user-metadata', /quota is used up/)).toMatch(/running: .*\n+.*request quota is used up/);
  await screenshot(page, 'throttled');
});

test('a held job shows why, until when, and what to do', async () => {
  await system.control('tokens', { store: 'def', token: 'another' });
  const job = await start('def', 'newsletter', customers(100));
  const text = await open(job.id, 'user-metadata', /held: 0 of 10 chunks done/);
  expect(text).toMatch(/token/);
  expect(text).toMatch(/Until 20\d\d-/);
  expect(text).toContain(`npm run starter -- resume ${job.id}`);
  await screenshot(page, 'held');
});

test('an ended job shows who was rejected, why, and where the report is', async () => {
  const job = await start('ghi', 'groups', [...customers(47), ...unknown(3)]);
  const { report } = await job.result();
  const text = await open(job.id, 'user-metadata', /completed: 5 of 5 chunks done/);
  expect(text).toMatch(/unprocessed\s+50\s+47\s+3\s+0\s+0\s+0/);
  expect(text).toMatch(/row 50 \(line 50\), id 900002: rejected, unknown_id/);
  expect(text).toContain(`Report: ${report}`);
  await screenshot(page, 'ended');
});

test('a workflow that calls by Nexus links to its job', async () => {
  const namespace = 'crm';
  await registerNamespace(system.connection, namespace);
  await createEndpoint(system);
  const typeScript = await startCaller(system.server.address, namespace);
  const { workflow } = new Client({ connection: system.connection, namespace });
  const input = { name: 'from-crm', storeHash: 'ghi', source: { customers: customers(20) } };
  const options = { workflowId: 'nightly', taskQueue: CALLERS_TASK_QUEUE, args: [input] };
  const caller = await workflow.start('updateFromCrm', options);
  await caller.result();
  await typeScript.close();

  await page.goto(
    `${system.server.uiUrl}/namespaces/${namespace}/workflows/nightly/${caller.firstExecutionRunId}/history`,
  );
  // Wide enough for the whole link.
  await page.setViewportSize({ width: 1900, height: 900 });
  await page.getByText('Nexus Operation Started').first().scrollIntoViewIfNeeded();
  const link = page.getByRole('link', { name: /from-crm/ }).first();
  await link.waitFor();
  await screenshot(page, 'caller');
  await link.click();
  await page.waitForURL(/namespaces\/default\/workflows\/customer-updates%2Fghi%2Ffrom-crm/);
});
