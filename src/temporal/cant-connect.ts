/**
 * Why a Temporal server can't be used, and what to do. Told apart by gRPC's status and by the error codes of Node.js.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { BadConfig } from '../config.ts';
import { grpcFailure } from './grpc.ts';
import type { Target } from './target.ts';

type Kind = 'nobody there' | 'no TLS' | 'certificate' | 'who we are' | 'namespace' | 'anything else';

/** A kind of failure, with the last words of whoever noticed it. */
interface Cause {
  kind: Kind;
  words: string;
}

const DEADLINE_EXCEEDED = 4;

/** gRPC's DEADLINE_EXCEEDED, NOT_FOUND, PERMISSION_DENIED and UNAUTHENTICATED. */
const BY_STATUS: Record<number, Kind> = {
  [DEADLINE_EXCEEDED]: 'nobody there',
  5: 'namespace',
  7: 'who we are',
  16: 'who we are',
};

/** Longest that each step of our own connection may take. */
const STEP_MS = 2_000;

/** The error for people: what came, what was tried, what to do. It never holds a key. */
export async function cantConnect(target: Target, error: unknown): Promise<BadConfig> {
  const failure = grpcFailure(error);
  const kind = BY_STATUS[failure?.code ?? 0];
  const words =
    failure?.code === DEADLINE_EXCEEDED ? 'no answer in time' : (failure?.details ?? (error as Error).message);
  const cause = kind ? { kind, words } : ((await tryConnecting(target)) ?? { kind: 'anything else', words });
  const [came, cure] = inWords(target, cause);
  const { apiKey } = target.options;
  const text = `${came}.\n${tried(target)}\n${cure}`;
  return new BadConfig(apiKey === undefined ? text : text.replaceAll(apiKey, '…'), { cause: error });
}

/**
 * Connects as the SDK did, to see where that fails: the SDK's own errors say so only in prose. Undefined if it does not
 * fail. TLS 1.3 lets a client finish before the server has looked at the client's certificate, so the first data
 * counts.
 */
async function tryConnecting({ address, options }: Target): Promise<Cause | undefined> {
  const [, host = '', port = '7233'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  let socket: Socket | undefined;
  try {
    socket = createConnection({ host, port: Number(port) });
    await once(socket, 'connect', { signal: AbortSignal.timeout(STEP_MS) });
  } catch (error) {
    socket?.destroy();
    return { kind: 'nobody there', words: wordsOf(error) };
  }
  if (!usesTls(options)) {
    socket.destroy();
    return { kind: 'no TLS', words: '' };
  }
  const tls = typeof options.tls === 'object' ? options.tls : undefined;
  let secure: TLSSocket | undefined;
  try {
    secure = connectTls({
      socket,
      servername: tls?.serverNameOverride ?? host,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      ...(tls?.serverRootCACertificate && { ca: Buffer.from(tls.serverRootCACertificate) }),
      ...(tls?.clientCertPair && {
        cert: Buffer.from(tls.clientCertPair.crt),
        key: Buffer.from(tls.clientCertPair.key),
      }),
    });
    const data = once(secure, 'data', { signal: AbortSignal.timeout(STEP_MS) });
    data.catch(() => undefined);
    await once(secure, 'secureConnect', { signal: AbortSignal.timeout(STEP_MS) });
    const { authorizationError } = secure;
    if (authorizationError) return { kind: 'certificate', words: wordsOf(authorizationError) };
    await Promise.race([data, once(secure, 'close')]);
    return secure.destroyed ? { kind: 'who we are', words: 'it closes the connection' } : undefined;
  } catch (error) {
    // An alert comes from a server that speaks TLS, and our own pair fails before there is a connection.
    const alert = /ALERT/.test((error as NodeJS.ErrnoException).code ?? '');
    const kind = alert || secure === undefined ? 'who we are' : 'no TLS';
    return { kind, words: wordsOf(error) };
  } finally {
    (secure ?? socket).destroy();
  }
}

const usesTls = ({ tls, apiKey }: Target['options']): boolean => Boolean(tls ?? apiKey);

/**
 * What an error says: OpenSSL's reason without the rest, or the code if there is no text, as for a name with two
 * addresses.
 */
function wordsOf(error: unknown): string {
  const { reason, message, code } = error as NodeJS.ErrnoException & { reason?: string };
  return reason || message || code || String(error);
}

function tried({ address, namespace, profile, options }: Target): string {
  const { tls, apiKey } = options;
  const certified = typeof tls === 'object' && tls?.clientCertPair !== undefined;
  const how = !usesTls(options) ? 'without TLS' : certified ? 'TLS with a client certificate' : 'TLS';
  const key = apiKey === undefined ? '' : ', API key';
  return `Tried ${address}, namespace ${namespace}, profile ${profile}, ${how}${key}.`;
}

function inWords({ address, namespace, options }: Target, { kind, words }: Cause): [came: string, cure: string] {
  const where = 'TEMPORAL_ADDRESS, or address in the profile, says where it is.';
  switch (kind) {
    case 'nobody there':
      return [
        `No Temporal server answers at ${address}: ${words}`,
        `${where} To start one on this machine run \`temporal server start-dev\`; \`npm run demo\` shows a whole job with a ` +
          'server of its own.',
      ];
    case 'no TLS':
      if (usesTls(options)) {
        return [
          `The server at ${address} does not speak TLS: ${words}`,
          `If that is as it should be, set TEMPORAL_TLS=false. Otherwise correct the address: ${where}`,
        ];
      }
      return [
        `The server at ${address} does not speak gRPC without TLS`,
        'Set TEMPORAL_TLS=true, or give the profile a tls table.',
      ];
    case 'certificate':
      return [
        `The certificate of the Temporal server at ${address} is not valid: ${words}`,
        'It must be current; issued for the name in the address, or else in TEMPORAL_TLS_SERVER_NAME (server_name in the ' +
          "profile's tls); and signed by an authority that this machine trusts, or else by the one in the PEM file " +
          'TEMPORAL_TLS_SERVER_CA_CERT_PATH (server_ca_cert_path).',
      ];
    case 'who we are':
      return [
        `The Temporal server at ${address} does not let us in: ${words}`,
        'Check the API key (TEMPORAL_API_KEY, or api_key in the profile), the client certificate and its key ' +
          "(TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or client_cert_path and client_key_path in the profile's " +
          `tls), and whether they give access to the namespace ${namespace} (TEMPORAL_NAMESPACE, or namespace in the profile).`,
      ];
    case 'namespace':
      return [
        `The Temporal server at ${address} has no namespace ${namespace}`,
        'Set TEMPORAL_NAMESPACE, or namespace in the profile, to one that it has, or create it: ' +
          `temporal operator namespace create --namespace ${namespace}`,
      ];
    case 'anything else':
      return [`The Temporal server at ${address} can't be used: ${words}`, where];
  }
}
