/** How worker and starter connect to Temporal through a proxy that ends TLS. What they say if they can't: temporal/connect. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
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
const proxies: TlsProxy[] = [];
let [authority, server, client]: Certificate[] = [];
let [tls, mutual, keyed]: TlsProxy[] = [];

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
  server = await makeCertificate(folder, 'server', authority);
  client = await makeCertificate(folder, 'client', authority);
  tls = await proxy({ certificate: server });
  mutual = await proxy({ certificate: server, clientAuthority: authority.cert });
  keyed = await proxy({ certificate: server, apiKey: API_KEY });
});
afterAll(async () => {
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
      'over TLS to a server whose name is not its address',
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
        // Empty is the same as unset.
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
    // The proxy passed many calls: the job really went this way.
    expect(proxyOf().passed - before).toBeGreaterThan(20);
    for (const text of [output, worker.output()]) expect(text).not.toContain(API_KEY);
  });
});

test('a worker whose API key stops being accepted ends, and says so', async () => {
  const rotating = await proxy({ certificate: server!, apiKey: API_KEY });
  const worker = await system.startWorker({ ...at(rotating), ...trusting(), TEMPORAL_API_KEY: API_KEY });
  rotating.expect('another key');
  expect(await worker.exited).toMatchObject({ code: 2 });
  expect(worker.output()).toMatch(/^The Temporal server at \S+ does not let us in: not with that key\.$/m);
  expect(worker.output()).toMatch(/"level":"error".*does not let us in/);
  expect(worker.output()).not.toContain(API_KEY);
});

describe('worker and starter say the same, and exit with 2, if', () => {
  test.each<[string, () => Settings, RegExp, RegExp]>([
    [
      'nothing listens',
      () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
      /^No Temporal server answers at 127.0.0.1:1: .*ECONNREFUSED.*\.\nTried 127.0.0.1:1, namespace default, profile default, without TLS\.$/m,
      /TEMPORAL_ADDRESS.*temporal server start-dev/,
    ],
    [
      'there is no such namespace',
      () => ({ TEMPORAL_NAMESPACE: 'nope' }),
      /^The Temporal server at \S+ has no namespace nope\.\nTried \S+, namespace nope, profile default, without TLS\.$/m,
      /TEMPORAL_NAMESPACE.*temporal operator namespace create --namespace nope/,
    ],
  ])('%s', async (_, settingsOf, came, cure) => {
    const settings = { TEMPORAL_ADDRESS: system.server.address.replace('127.0.0.1', 'localhost'), ...settingsOf() };
    const worker = startProgram(process.execPath, [WORKER], { env: { ...system.env, ...settings } });
    const [starter, { code }] = await Promise.all([runStarter(system, ['list'], undefined, settings), worker.exited]);
    expect(starter.output).toMatch(came);
    expect(starter.output).toMatch(cure);
    expect(starter.output).not.toMatch(/^ +at |api-key|"code"/m);
    expect(worker.output()).toBe(starter.output);
    expect([starter.code, code]).toEqual([2, 2]);
  });
});
