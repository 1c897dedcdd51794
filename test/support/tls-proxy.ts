import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.ts';

/** How a proxy identifies itself, and whom it lets through. */
export interface TlsProxyOptions {
  /** The server's certificate. */
  certificate: Certificate;
  /** Path of the authority whose clients it lets in; by default it asks for no certificate. */
  clientAuthority?: string;
  /** The API key that calls must have; by default none. */
  apiKey?: string;
  /** The gRPC status for those that don't: UNAUTHENTICATED (16) by default, or PERMISSION_DENIED. */
  refusal?: 16 | 7;
}

/** A TLS-terminating proxy in front of a Temporal server, as a load balancer or Temporal Cloud is. */
export interface TlsProxy {
  /** Port on loopback. */
  port: number;
  /** Calls that were let through. */
  passed: number;
  /** From now on calls must have this key; existing connections are closed. */
  expect(apiKey: string): void;
  close(): Promise<void>;
}

/** Starts a proxy on loopback that speaks gRPC over TLS, and passes calls on to the plain server at `host:port`. */
export async function startTlsProxy(target: string, options: TlsProxyOptions): Promise<TlsProxy> {
  let { apiKey } = options;
  const { certificate, clientAuthority, refusal = 16 } = options;
  const far = connect(`http://${target}`);
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({
    cert: readFileSync(certificate.cert),
    key: readFileSync(certificate.key),
    ...(clientAuthority !== undefined && { ca: readFileSync(clientAuthority), requestCert: true }),
  });
  // Clients that are refused hang up.
  far.on('error', () => undefined);
  server.on('sessionError', () => undefined);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (near, headers) => {
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) return refuse(near, refusal);
    proxy.passed++;
    pass(near, headers);
  });

  function pass(near: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const there = far.request({ ...headers, ':scheme': 'http', ':authority': target });
    let trailers: IncomingHttpHeaders = {};
    there.on('trailers', (last) => (trailers = last));
    there.on('response', (answer, flags) => {
      if (near.destroyed) return;
      const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      near.respond(answer, isAll ? { endStream: true } : { waitForTrailers: true });
      if (!isAll) there.pipe(near);
    });
    near.on('wantTrailers', () => near.sendTrailers(trailers));
    near.pipe(there);
    near.on('error', () => undefined).on('close', () => there.close(constants.NGHTTP2_CANCEL));
    there.on('error', () => near.close(constants.NGHTTP2_INTERNAL_ERROR));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TlsProxy = {
    port: (server.address() as AddressInfo).port,
    passed: 0,
    expect(key) {
      apiKey = key;
      sessions.forEach((session) => session.destroy());
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      sessions.forEach((session) => session.destroy());
      far.destroy();
      await closed;
    },
  };
  return proxy;
}

/** As a server rejects a call with the wrong key: in one frame. */
function refuse(near: ServerHttp2Stream, status: number): void {
  near.on('error', () => undefined);
  const answer = { 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': 'not with that key' };
  near.respond({ ':status': 200, ...answer }, { endStream: true });
}
