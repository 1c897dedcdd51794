/** How worker and starter connect to Temporal, over TLS that a proxy ends; and what they say where they can't. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../support/certificates.ts';
import { runStarter } from '../support/starter.ts';
import { startSystem, type System } from '../support/system.ts';
import { startTlsProxy, type TlsProxy, type TlsProxyOptions } from '../support/tls-proxy.ts';

const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));
const API_KEY = 'the-right-api-key';

type Settings = Record<string, string>;

let system: System;
/** Takes connections and never says a word. */
let silent: Server;
const proxies: TlsProxy[] = [];
let [authority, stranger, server, client, strangersClient]: Certificate[] = [];
let [tls, mutual, keyed, denying, expired]: TlsProxy[] = [];

const file = (name: string) => join(system.folder, name);

async function proxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const started = await startTlsProxy(system.server.address, options);
  proxies.push(started);
  return started;
}

beforeAll(async () => {
  system = await startSystem({ server: {}, workers: 0 });
  const folder = file('certificates');
  await mkdir(folder);
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
  silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
});
afterAll(async () => {
  silent?.close();
  await Promise.all(proxies.map((started) => started.close()));
  await system?.close();
});

const at = ({ port }: { port: number }): Settings => ({ TEMPORAL_ADDRESS: `localhost:${port}` });
const trusting = (): Settings => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority!.cert });
const withPair = ({ cert, key }: Certificate): Settings => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
  TEMPORAL_TLS_CLIENT_KEY_PATH: key,
});

async function profiles(text: string): Promise<Settings> {
  await writeFile(file('temporal.toml'), text);
  return { TEMPORAL_CONFIG_FILE: file('temporal.toml') };
}

describe('worker and starter run a job', () => {
  test.each<[string, () => Settings | Promise<Settings>, () => TlsProxy]>([
    ['over TLS', () => ({ ...at(tls!), ...trusting() }), () => tls!],
    [
      'over TLS to a server that is called otherwise',
      () => ({ TEMPORAL_ADDRESS: `127.0.0.1:${tls!.port}`, TEMPORAL_TLS_SERVER_NAME: 'localhost', ...trusting() }),
      () => tls!,
    ],
    ['with a client certificate', () => ({ ...at(mutual!), ...trusting(), ...withPair(client!) }), () => mutual!],
    [
      'with a client certificate in variables',
      () => ({
        ...at(mutual!),
        TEMPORAL_TLS_SERVER_CA_CERT_DATA: readFileSync(authority!.cert, 'utf8'),
        TEMPORAL_TLS_CLIENT_CERT_DATA: readFileSync(client!.cert, 'utf8'),
        TEMPORAL_TLS_CLIENT_KEY_DATA: readFileSync(client!.key, 'utf8'),
      }),
      () => mutual!,
    ],
    ['with an API key', () => ({ ...at(keyed!), ...trusting(), TEMPORAL_API_KEY: API_KEY }), () => keyed!],
    [
      'by a profile with a client certificate',
      async () => ({
        ...(await profiles(`
[profile.production]
address = "localhost:${mutual!.port}"
namespace = "default"

[profile.production.tls]
server_ca_cert_path = "${authority!.cert}"
client_cert_path = "${client!.cert}"
client_key_path = "${client!.key}"
`)),
        TEMPORAL_ADDRESS: '',
        TEMPORAL_PROFILE: 'production',
      }),
      () => mutual!,
    ],
    [
      'by a profile with an API key',
      async () => ({
        ...(await profiles(`
[profile.default]
address = "localhost:${keyed!.port}"
api_key = "${API_KEY}"
tls = { server_ca_cert_path = "${authority!.cert}" }
`)),
        // Empty is as good as not set.
        ...{
          TEMPORAL_ADDRESS: '',
          TEMPORAL_API_KEY: '',
          TEMPORAL_PROFILE: '',
          TEMPORAL_NAMESPACE: '',
          TEMPORAL_TLS: '',
        },
      }),
      () => keyed!,
    ],
  ])('%s', async (name, settingsOf, proxyOf) => {
    const settings = await settingsOf();
    const before = proxyOf().passed;
    await writeFile(file('customers.csv'), 'id,notes\n1,a\n2,b\n');
    const worker = await system.startWorker(settings);
    const start = ['start', file('customers.csv'), '--store', 'abc', '--name', name.replaceAll(' ', '-')];
    const { code, output } = await runStarter(system, start, undefined, settings);
    expect(output).toContain('2');
    expect(code).toBe(0);
    expect(await worker.stop()).toBe(0);
    // Theirs alone are many: the job went this way.
    expect(proxyOf().passed - before).toBeGreaterThan(20);
    for (const text of [output, worker.output()]) expect(text).not.toContain(API_KEY);
  });
});

test('a worker whose API key is refused from now on ends, and says so', async () => {
  const rotating = await proxy({ certificate: server!, apiKey: API_KEY });
  const worker = await system.startWorker({ ...at(rotating), ...trusting(), TEMPORAL_API_KEY: API_KEY });
  rotating.expect('another key');
  expect(await worker.exited).toMatchObject({ code: 2 });
  expect(worker.output()).toMatch(/^The Temporal server at \S+ refuses the API key: not with that key\.$/m);
  expect(worker.output()).toMatch(/"level":"error".*refuses the API key/);
  expect(worker.output()).not.toContain(API_KEY);
});

describe('worker and starter say the same, and exit with 2, where', () => {
  test.each<[string, () => Settings | Promise<Settings>, RegExp, RegExp]>([
    [
      'nothing listens',
      () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
      /^No Temporal server answers at 127.0.0.1:1: connection refused\.\nTried 127.0.0.1:1, namespace default, profile default, without TLS\.$/m,
      /TEMPORAL_ADDRESS.*temporal server start-dev/,
    ],
    [
      'nobody has that name',
      () => ({ TEMPORAL_ADDRESS: 'no-such-host.invalid:7233' }),
      /^No Temporal server answers at no-such-host.invalid:7233: the host name is not known\.$/m,
      /TEMPORAL_ADDRESS/,
    ],
    [
      'the address is a URL',
      () => ({ TEMPORAL_ADDRESS: 'http://localhost:7233' }),
      /^No Temporal server answers at http:\/\/localhost:7233: that is no host:port\.$/m,
      /TEMPORAL_ADDRESS/,
    ],
    [
      'nobody answers',
      () => at(silent.address() as AddressInfo),
      /^No Temporal server answers at localhost:\d+: no answer within 5 s\.$/m,
      /TEMPORAL_ADDRESS/,
    ],
    [
      'the server speaks no TLS',
      () => ({ TEMPORAL_TLS: 'true' }),
      /^The server at \S+ does not speak TLS\.\nTried .*, TLS\.$/m,
      /TEMPORAL_TLS=false/,
    ],
    [
      'the server wants TLS',
      () => at(tls!),
      /^The server at \S+ closes the connection, as those do that want TLS\.\nTried .*, without TLS\.$/m,
      /TEMPORAL_TLS=true/,
    ],
    [
      "the server's certificate is of an unknown authority",
      () => ({ ...at(tls!), TEMPORAL_TLS: 'true' }),
      /^The certificate of the Temporal server at \S+ is not trusted: unable to verify the first certificate\.$/m,
      /TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    ],
    [
      "the server's certificate is of another authority",
      () => ({ ...at(tls!), TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger!.cert }),
      /^The certificate of the Temporal server at \S+ is not trusted: /m,
      /TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    ],
    [
      "the server's certificate is for another name",
      () => ({ ...at(tls!), ...trusting(), TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com' }),
      /^The certificate of the Temporal server at \S+ is not for that name, but for DNS:localhost, IP Address:127.0.0.1\.$/m,
      /TEMPORAL_TLS_SERVER_NAME/,
    ],
    [
      "the server's certificate has expired",
      () => ({ ...at(expired!), ...trusting() }),
      /^The certificate of the Temporal server at \S+ has expired\.$/m,
      /renewed/,
    ],
    [
      'the server wants a client certificate',
      () => ({ ...at(mutual!), ...trusting() }),
      /^The Temporal server at \S+ wants a client certificate: \w.*\.$/m,
      /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
    ],
    [
      'the server does not take the client certificate',
      () => ({ ...at(mutual!), ...trusting(), ...withPair(strangersClient!) }),
      /^The Temporal server at \S+ does not take the client certificate: .*\.\nTried .*, TLS with a client certificate\.$/m,
      /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
    ],
    [
      'a client certificate has the key of another',
      () => ({ ...at(mutual!), ...trusting(), ...withPair({ ...client!, key: server!.key }) }),
      /^The client certificate and its key can't be used: .*key values mismatch\.$/m,
      /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH/,
    ],
    [
      'the server wants an API key',
      () => ({ ...at(keyed!), ...trusting() }),
      /^The Temporal server at \S+ wants an API key: not with that key\.\nTried .*, TLS\.$/m,
      /TEMPORAL_API_KEY/,
    ],
    [
      'the server refuses the API key',
      () => ({ ...at(keyed!), ...trusting(), TEMPORAL_API_KEY: 'the-wrong-api-key' }),
      /^The Temporal server at \S+ refuses the API key: not with that key\.\nTried .*, TLS, API key\.$/m,
      /TEMPORAL_API_KEY, or api_key in the profile/,
    ],
    [
      'the API key may not use the namespace',
      () => ({ ...at(denying!), ...trusting(), TEMPORAL_API_KEY: 'the-wrong-api-key' }),
      /^The Temporal server at \S+ does not let us use the namespace default: not with that key\.$/m,
      /TEMPORAL_NAMESPACE.*TEMPORAL_API_KEY/,
    ],
    [
      'there is no such namespace',
      () => ({ TEMPORAL_NAMESPACE: 'nope' }),
      /^The Temporal server at \S+ has no namespace nope\.\nTried \S+, namespace nope, profile default, without TLS\.$/m,
      /TEMPORAL_NAMESPACE.*temporal operator namespace create --namespace nope/,
    ],
    [
      'TEMPORAL_TLS is neither true nor false',
      () => ({ TEMPORAL_TLS: 'yes' }),
      /^TEMPORAL_TLS: expected true or false, got "yes"$/m,
      /\.env/,
    ],
  ])('%s', async (_, settingsOf, came, cure) => {
    const settings = {
      TEMPORAL_ADDRESS: system.server.address.replace('127.0.0.1', 'localhost'),
      ...(await settingsOf()),
    };
    const worker = startProgram(process.execPath, [WORKER], { env: { ...system.env, ...settings } });
    const [starter, { code }] = await Promise.all([runStarter(system, ['list'], undefined, settings), worker.exited]);
    expect(starter.output).toMatch(came);
    expect(starter.output).toMatch(cure);
    expect(starter.output).not.toMatch(/^ +at |api-key|"code"/m);
    expect(worker.output()).toBe(starter.output);
    expect([starter.code, code]).toEqual([2, 2]);
  });
});
