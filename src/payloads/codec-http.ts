/**
 * The HTTP protocol of Temporal's codec servers, which decode and encode payloads for the Web UI and the command line.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { isLoopback } from '../process.ts';

/** Largest request, in bytes: four times the largest message that Temporal itself accepts. */
const MAX_BYTES = 16 * 1024 * 1024;

const COOKIE = 'codec-token';

export interface CodecHttpOptions {
  codec: PayloadCodec;
  /** Origins of the Web UIs whose pages may ask, such as `https://temporal.example.com`. */
  origins: readonly string[];
  /**
   * What callers must present: command lines as `Authorization: Bearer …`, browsers as a cookie, set by the page at
   * `/`.
   */
  token: string;
}

// The command line omits empty fields.
const bodySchema = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), z.base64()).optional(), data: z.base64().optional() }))
    .default([]),
});

/** Serves `POST /decode` and `POST /encode` to callers with the right origin and token. Not listening yet. */
export function createCodecServer(options: CodecHttpOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      const refused = error instanceof Refused ? error : new Refused(500, 'The codec server failed.');
      if (refused.status === 500) console.error(error);
      if (!response.headersSent) send(response, refused.status, { message: refused.message });
      // Drops the rest of a body that is too large.
      if (!request.complete) request.destroy();
    });
  });
}

class Refused extends Error {
  override name = 'Refused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(options: CodecHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/', headers } = request;
  const { origin } = headers;
  const { pathname } = new URL(url, 'http://codec');
  response.setHeader('vary', 'origin');
  response.setHeader('cache-control', 'no-store');
  if (pathname === '/') return signIn(options, request, response);
  if (origin !== undefined) {
    if (!options.origins.includes(origin)) {
      throw new Refused(403, `Expected a page of CODEC_ORIGINS (${options.origins.join(', ')}), got one of ${origin}.`);
    }
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-credentials', 'true');
  }
  if (method === 'OPTIONS') {
    response.setHeader('access-control-allow-methods', 'POST');
    response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '');
    return void response.writeHead(204).end();
  }
  // The command line can prefix the namespace.
  const [, what] = /^(?:\/[^/]+)?\/(decode|encode)$/.exec(pathname) ?? [];
  if (what === undefined || method !== 'POST') throw new Refused(404, 'Expected POST /decode or POST /encode.');
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  // A browser sends the cookie from any page, so it counts only for pages of the origins.
  const known = bearer ?? (origin === undefined ? undefined : cookieOf(headers.cookie));
  if (!same(known, options.token)) {
    throw new Refused(
      401,
      `Expected the token of this codec server (CODEC_TOKEN). Command line: --codec-auth "Bearer …". Browser: open this ` +
        `server's address once and enter it, and have the Web UI include cross-origin credentials.`,
    );
  }
  const payloads = payloadsIn(await bodyOf(request));
  const { codec } = options;
  const done = what === 'encode' ? await codec.encode(payloads) : await decodeEach(codec, payloads);
  send(response, 200, { payloads: done.map(toJson) });
}

/** The page where a person gives the token to their browser. */
async function signIn({ token }: CodecHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = (status: number, text: string) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'x-frame-options': 'DENY' });
    response.end(`<!doctype html><title>Codec server</title><p>${text}</p>`);
  };
  const form =
    '<form method="post"><label>Token <input type="password" name="token" autofocus></label> <button>Use</button></form>';
  if (request.method !== 'POST')
    return page(200, `With the token, this browser shows encrypted payloads in the Web UI.${form}`);
  const given = new URLSearchParams(await bodyOf(request)).get('token') ?? undefined;
  if (!same(given, token)) return page(401, `That is not the token.${form}`);
  // Other machines need TLS.
  const local = isLoopback((request.headers.host ?? '').replace(/:\d+$/, ''));
  const cookie = `${COOKIE}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200`;
  response.setHeader('set-cookie', `${cookie}${local ? '' : '; Secure'}`);
  page(200, 'This browser has the token for twelve hours. Have the Web UI include cross-origin credentials.');
}

/** A payload without its key here stays encrypted, so that the rest of the page can still be read. */
async function decodeEach(codec: PayloadCodec, payloads: Payload[]): Promise<Payload[]> {
  const decoded = payloads.map((payload) => codec.decode([payload]).catch(() => [payload]));
  return (await Promise.all(decoded)).flat();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const tooLarge = new Refused(413, `Expected at most ${MAX_BYTES} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BYTES) throw tooLarge;
  let body = '';
  for await (const piece of request.setEncoding('utf8')) {
    body += piece as string;
    if (body.length > MAX_BYTES) throw tooLarge;
  }
  return body;
}

function payloadsIn(body: string): Payload[] {
  try {
    return bodySchema.parse(JSON.parse(body)).payloads.map(({ metadata = {}, data = '' }) => ({
      metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, Buffer.from(text, 'base64')])),
      data: Buffer.from(data, 'base64'),
    }));
  } catch {
    throw new Refused(400, 'Expected {"payloads": [{"metadata": {"encoding": "…base64"}, "data": "…base64"}]}.');
  }
}

function toJson({ metadata, data }: Payload) {
  const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
  const entries = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]);
  return { metadata: Object.fromEntries(entries) as Record<string, string>, data: base64(data) };
}

function cookieOf(header = ''): string | undefined {
  const pair = header.split('; ').find((pair) => pair.startsWith(`${COOKIE}=`));
  return pair && decodeURIComponent(pair.slice(COOKIE.length + 1));
}

function same(given: string | undefined, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return given !== undefined && timingSafeEqual(hash(given), hash(token));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
