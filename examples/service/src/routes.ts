import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from '@temporalio/client';
import { type CustomerUpdate, customerUpdate, jobId, startCustomerUpdate } from 'bigcommerce-customer-updates/client';
import { customersIn } from './body.ts';
import { answerTo, NoSuchPath } from './errors.ts';

const PATH = /^\/stores\/([^/]+)\/jobs\/([^/]+)(?:\/(failures|pause|resume|cancel))?$/;

/** Answers one request; never rejects. `jobStore` is the workers' job store. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
  jobStore: string,
): Promise<void> {
  try {
    await route(request, response, client, jobStore);
  } catch (error) {
    const { status, body } = answerTo(error);
    if (response.headersSent) response.destroy();
    else send(response, status, body);
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
  jobStore: string,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://service');
  const [, store = '', typed = '', part = ''] = PATH.exec(pathname) ?? [];
  const name = decoded(typed);
  const job = customerUpdate(client, jobId(store, name), { jobStore });
  switch (`${request.method} ${part}`.trim()) {
    case 'POST': {
      if (name === '') break;
      const input = { storeHash: store, source: { customers: await customersIn(request) } };
      const { id } = await startCustomerUpdate(client, input, name, {
        jobStore,
        startedBy: 'customer-updates-service',
      });
      return send(response, 202, { id }, { location: pathname });
    }
    case 'GET':
      if (name === '') break;
      return send(response, 200, { id: job.id, ...(await job.progress()) });
    case 'GET failures':
      return sendFailures(response, job);
    case 'POST pause':
      return send(response, 200, await job.pause('requested through customer-updates-service'));
    case 'POST resume':
      return send(response, 200, await job.resume());
    case 'POST cancel':
      await job.cancel();
      return send(response, 202, { id: job.id });
  }
  throw new NoSuchPath(`${request.method} ${pathname} does not exist; the README lists what does.`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** One JSON object per line, however many there are. */
async function sendFailures(response: ServerResponse, job: CustomerUpdate): Promise<void> {
  const failures = job.allFailures();
  // Errors show with the first one, while a status can still be sent.
  let next = await failures.next();
  async function* lines() {
    for (; !next.done; next = await failures.next()) yield `${JSON.stringify(next.value)}\n`;
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  await pipeline(Readable.from(lines()), response);
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  // If only part of the body was read, the rest is not: the connection ends.
  if (!response.req.complete) headers = { ...headers, connection: 'close' };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}
