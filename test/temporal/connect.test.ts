/** What connecting says if a Temporal server can't be used: every kind of failure, on servers that are none of Temporal's. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/temporal/connect.ts';
import { readTarget } from '../../src/temporal/target.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../support/certificates.ts';
import { noSettings } from '../support/system.ts';
import { startTlsProxy, type TlsProxy, type TlsProxyOptions } from '../support/tls-proxy.ts';

const API_KEY = 'the-right-api-key';
/** A port that nobody listens on. */
const NOBODY = '127.0.0.1:1';

type Settings = Record<string, string>;

let folder: string;
/** Accepts connections and never says a word. */
let silent: Server;
/** Speaks HTTP/2, but not over TLS. */
let plain: Server;
const proxies: TlsProxy[] = [];
let [authority, stranger, server, client, strangersClient]: Certificate[] = [];
let [tls, mutual, keyed, denying, expired]: TlsProxy[] = [];

/** A proxy that is asked to let nobody through: what is behind it need not exist. */
async function proxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const started = await startTlsProxy(NOBODY, options);
  proxies.push(started);
  return started;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connect-'));
  authority = await makeAuthority(folder, 'authority');
  stranger = await makeAuthority(folder, 'stranger');
  server = await makeCertificate(folder, 'server', authority);
  client = await makeCertificate(folder, 'client', authority);
  strangersClient = await makeCertificate(folder, 'other', stranger);
  tls = await proxy({ certificate: server });
  mutual = await proxy({ certificate: server, clientAuthority: authority.cert });
  keyed = await proxy({ certificate: server, apiKey: API_KEY });
  denying = await proxy({ certificate: server, apiKey: API_KEY, refusal: 7 });
  expired = await proxy({ certificate: await makeCertificate(folder, 'expired', authority, -1) });
  silent = createServer((socket) => socket.unref().resume()).listen(0, '127.0.0.1');
  plain = createHttp2Server().listen(0, '127.0.0.1');
  await Promise.all([once(silent, 'listening'), once(plain, 'listening')]);
});
afterAll(async () => {
  silent.close();
  plain.close();
  await Promise.all(proxies.map((started) => started.close()));
  await rm(folder, { recursive: true });
});

const at = ({ port }: { port: number }): Settings => ({ TEMPORAL_ADDRESS: `localhost:${port}` });
const trusting = (): Settings => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority!.cert });
const withPair = ({ cert, key }: Certificate): Settings => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
  TEMPORAL_TLS_CLIENT_KEY_PATH: key,
});

/** What connecting with these settings, and none of the machine's, throws. */
async function errorOf(settings: Settings): Promise<string> {
  const environment = { ...process.env };
  const all = Object.entries({ ...environment, ...noSettings(), ...settings });
  process.env = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  const target = readTarget(undefined);
  process.env = environment;
  return connect(target).then(
    () => 'connected',
    (error: Error) => error.message,
  );
}

test.each<[string, () => Settings, RegExp, RegExp]>([
  [
    'the address is a URL',
    () => ({ TEMPORAL_ADDRESS: 'http://localhost:7233' }),
    /^No Temporal server answers at http:\/\/localhost:7233: .*ENOTFOUND/m,
    /TEMPORAL_ADDRESS/,
  ],
  [
    'nobody answers',
    () => at(silent.address() as AddressInfo),
    /^No Temporal server answers at localhost:\d+: no answer in time\.$/m,
    /TEMPORAL_ADDRESS/,
  ],
  [
    'the server speaks no TLS',
    () => ({ ...at(plain.address() as AddressInfo), TEMPORAL_TLS: 'true' }),
    /^The server at \S+ does not speak TLS: .*\.\nTried .*, TLS\.$/m,
    /TEMPORAL_TLS=false/,
  ],
  [
    'the server wants TLS',
    () => at(tls!),
    /^The server at \S+ does not speak gRPC without TLS\.\nTried .*, without TLS\.$/m,
    /TEMPORAL_TLS=true/,
  ],
  [
    "the server's certificate is of an unknown authority",
    () => ({ ...at(tls!), TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger!.cert }),
    /^The certificate of the Temporal server at \S+ is not valid: /m,
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
  ],
  [
    "the server's certificate is for another name",
    () => ({ ...at(tls!), ...trusting(), TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com' }),
    /^The certificate of the Temporal server at \S+ is not valid: .*ALTNAME/m,
    /TEMPORAL_TLS_SERVER_NAME/,
  ],
  [
    "the server's certificate has expired",
    () => ({ ...at(expired!), ...trusting() }),
    /^The certificate of the Temporal server at \S+ is not valid: .*EXPIRED\.$/m,
    /must be current/,
  ],
  [
    'the server wants a client certificate',
    () => ({ ...at(mutual!), ...trusting() }),
    /^The Temporal server at \S+ does not let us in: .*\.\nTried .*, TLS\.$/m,
    /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
  ],
  [
    'the server does not take the client certificate',
    () => ({ ...at(mutual!), ...trusting(), ...withPair(strangersClient!) }),
    /^The Temporal server at \S+ does not let us in: .*\.\nTried .*, TLS with a client certificate\.$/m,
    /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
  ],
  [
    'a client certificate has the key of another',
    () => ({ ...at(mutual!), ...trusting(), ...withPair({ ...client!, key: server!.key }) }),
    /^The Temporal server at \S+ does not let us in: .*key values mismatch\.$/m,
    /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
  ],
  [
    'the server refuses the API key',
    () => ({ ...at(keyed!), ...trusting(), TEMPORAL_API_KEY: 'the-wrong-api-key' }),
    /^The Temporal server at \S+ does not let us in: not with that key\.\nTried .*, TLS, API key\.$/m,
    /TEMPORAL_API_KEY, or api_key in the profile/,
  ],
  [
    'the API key may not use the namespace',
    () => ({ ...at(denying!), ...trusting(), TEMPORAL_API_KEY: 'the-wrong-api-key' }),
    /^The Temporal server at \S+ does not let us in: not with that key\.$/m,
    /TEMPORAL_API_KEY.*TEMPORAL_NAMESPACE/,
  ],
])('it is a clear error with a cure, if %s', async (_, settingsOf, came, cure) => {
  const error = await errorOf(settingsOf());
  expect(error).toMatch(came);
  expect(error).toMatch(cure);
  expect(error).not.toContain('api-key');
});
