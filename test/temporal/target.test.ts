import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTarget } from '../../src/temporal/target.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../support/certificates.ts';
import { noSettings } from '../support/system.ts';

const API_KEY = 'the-right-api-key';
const environment = { ...process.env };

let folder: string;
let client: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'target-'));
  client = await makeCertificate(folder, 'client', await makeAuthority(folder, 'authority'));
});
afterEach(() => void (process.env = { ...environment }));
afterAll(() => rm(folder, { recursive: true }));

type Settings = Record<string, string>;

const withPair = ({ cert, key }: Certificate): Settings => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
  TEMPORAL_TLS_CLIENT_KEY_PATH: key,
});

async function profiles(text: string): Promise<Settings> {
  await writeFile(join(folder, 'temporal.toml'), text);
  return { TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml') };
}

/** Reads the target with these settings, and none of the machine's. */
function targetOf(settings: Settings) {
  const all = Object.entries({ ...environment, ...noSettings(), ...settings });
  process.env = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  return readTarget(settings['TEMPORAL_PROFILE']);
}

test('without settings it is the server of this machine', () => {
  expect(targetOf({})).toMatchObject({ address: 'localhost:7233', namespace: 'default', profile: 'default' });
});

test.each<[string, () => Settings | Promise<Settings>, RegExp, RegExp]>([
  [
    'the client certificate is missing',
    () => ({ ...withPair({ ...client, cert: '/nonexistent/client.pem' }) }),
    /^TEMPORAL_TLS_CLIENT_CERT_PATH, or client_cert_path in the profile: expected a PEM file with a CERTIFICATE;/m,
    /can't read \/nonexistent\/client\.pem: ENOENT\.$/m,
  ],
  [
    "the client certificate's key can't be read",
    () => ({ ...withPair({ ...client, key: folder }) }),
    /^TEMPORAL_TLS_CLIENT_KEY_PATH, or client_key_path in the profile: expected a PEM file with a PRIVATE KEY;/m,
    /can't read \S+: EISDIR\.$/m,
  ],
  [
    'certificate and key are swapped',
    () => ({ ...withPair({ cert: client.key, key: client.cert }) }),
    /^TEMPORAL_TLS_CLIENT_CERT_PATH, or client_cert_path in the profile: expected a PEM file with a CERTIFICATE, got/m,
    /something else in \S+client\.key\.$/m,
  ],
  [
    'the key is not one',
    () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert, TEMPORAL_TLS_CLIENT_KEY_DATA: API_KEY }),
    /^TEMPORAL_TLS_CLIENT_KEY_PATH, or client_key_path in the profile: expected a PEM file with a PRIVATE KEY, got/m,
    /something else in TEMPORAL_TLS_CLIENT_KEY_DATA\.$/m,
  ],
  [
    'a client certificate has no key',
    () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert }),
    /^TEMPORAL_TLS_CLIENT_KEY_PATH: required, because TEMPORAL_TLS_CLIENT_CERT_PATH is set/m,
    /client_key_path/,
  ],
  [
    'the API key has a line break',
    () => ({ TEMPORAL_API_KEY: `${API_KEY}\n` }),
    /^TEMPORAL_API_KEY, or api_key in the profile: expected text without spaces/m,
    /line breaks/,
  ],
  [
    'there is no such profile',
    async () => ({ ...(await profiles('[profile.test]\n')), TEMPORAL_PROFILE: 'production' }),
    /^The Temporal profile production can't be used: Profile 'production' not found in config data\.$/m,
    /TEMPORAL_PROFILE.*TEMPORAL_CONFIG_FILE/,
  ],
  [
    'the profiles are not TOML',
    () => profiles(`[profile.default]\napi_key = ${API_KEY}\n`),
    /^The Temporal profile default can't be used: Invalid TOML document: .*, line 2\.$/m,
    /TEMPORAL_CONFIG_FILE/,
  ],
  [
    'the profiles are not profiles',
    () => profiles('address = "localhost:7233"\n'),
    /^The Temporal profile default can't be used: it has no table \[profile.NAME\]\.$/m,
    /TEMPORAL_CONFIG_FILE/,
  ],
])('it is a clear error, without a key in it, if %s', async (_, settingsOf, came, cure) => {
  const settings = await settingsOf();
  expect(() => targetOf(settings)).toThrow(came);
  expect(() => targetOf(settings)).toThrow(cure);
  expect(() => targetOf(settings)).not.toThrow(API_KEY);
});
