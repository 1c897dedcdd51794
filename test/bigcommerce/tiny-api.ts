import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** An API that answers as a test tells it to; by default it updates every customer. */
export interface TinyApi {
  url: string;
  seen: Seen[];
  /** The ids sent, one list per PUT. */
  puts(): number[][];
  /** The answers to the next requests, in order. */
  next(...replies: (Reply | ((response: ServerResponse) => void))[]): void;
  /** The answer to every other request for which `reply` returns one. */
  always(reply: (seen: Seen) => Reply | undefined): void;
  /** No request is answered before `release`. */
  pause(): { release(): void };
  /** Resolves once `count` requests have arrived in all. */
  arrived(count: number): Promise<void>;
  /** Requests that have arrived, and neither been answered nor lost their connection. */
  inFlight(): number;
  mostInFlight(): number;
  /** Resolves when the connection of an unanswered request is closed. */
  aborted(): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts a TinyApi on the loopback interface. */
export async function startTinyApi(): Promise<TinyApi> {
  const seen: Seen[] = [];
  const events = new EventEmitter();
  const replies: (Reply | ((response: ServerResponse) => void))[] = [];
  let rule: (seen: Seen) => Reply | undefined = () => undefined;
  let gate: Promise<void> = Promise.resolve();
  let inFlight = 0;
  let most = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    most = Math.max(most, ++inFlight);
    response.on('close', () => {
      inFlight--;
      if (!response.writableFinished) events.emit('aborted');
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const one: Seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    seen.push(one);
    events.emit('arrived');
    const reply = replies.shift() ?? rule(one);
    await gate;
    if (typeof reply === 'function') return reply(response);
    const { status = 200, headers: extra = {}, body = usual(one) } = reply ?? {};
    response.writeHead(status, { 'content-type': 'application/json', ...extra });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  const server = createServer((request, response) => void serve(request, response).catch(() => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    puts: () => seen.filter(({ method }) => method === 'PUT').map(idsIn),
    next: (...more) => void replies.push(...more),
    always: (reply) => (rule = reply),
    pause() {
      let release = () => {};
      gate = new Promise((resolve) => (release = resolve));
      return { release };
    },
    async arrived(count) {
      while (seen.length < count) await once(events, 'arrived');
    },
    inFlight: () => inFlight,
    mostInFlight: () => most,
    aborted: () => once(events, 'aborted'),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Ids of the customers in a PUT. */
export function idsIn({ body }: Seen): number[] {
  return (JSON.parse(body) as { id: number }[]).map(({ id }) => id);
}

function usual(seen: Seen): unknown {
  if (seen.method === 'GET') return { time: 1_700_000_000 };
  return { data: idsIn(seen).map((id) => ({ id, first_name: 'A', new_field: null })), meta: {} };
}
