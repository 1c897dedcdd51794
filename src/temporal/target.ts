/** Which Temporal server to use and how, from TEMPORAL_* variables and a profile. */
import {
  type ClientConfigProfile,
  type ClientConnectConfig,
  type ConfigDataSource,
  loadClientConfigProfile,
  loadConfigData,
  toClientOptions,
} from '@temporalio/envconfig';
import { BadConfig } from '../config.ts';

/** A Temporal server, and how to connect to it. */
export interface Target {
  /** `host:port`. */
  address: string;
  namespace: string;
  /** For Connection and NativeConnection alike. */
  options: ClientConnectConfig['connectionOptions'] & { address: string };
  /** The profile that was read, if one of that name exists. */
  profile: string;
}

/** Reads the connection's settings, from this profile if one is named. Throws BadConfig, which never quotes a key. */
export function readTarget(profileName: string | undefined): Target {
  const profile = readProfile(profileName);
  if (profile.apiKey !== undefined && !/^[!-~]+$/.test(profile.apiKey)) {
    throw new BadConfig('TEMPORAL_API_KEY, or api_key in the profile: expected text without spaces and line breaks.');
  }
  if (profile.tls && profile.tls.disabled !== true) checkTls(profile.tls);
  const { connectionOptions, namespace = 'default' } = toClientOptions(profile);
  const address = connectionOptions.address || 'localhost:7233';
  return { address, namespace, options: { ...connectionOptions, address }, profile: profileName ?? 'default' };
}

function readProfile(name: string | undefined): ClientConfigProfile {
  try {
    return loadClientConfigProfile();
  } catch (error) {
    // The lines after the first quote the file, which may hold a key.
    const [came = ''] = (error as Error).message.split('\n');
    const { line } = error as { line?: number };
    const why =
      error instanceof TypeError
        ? 'it has no table [profile.NAME]'
        : came + (line === undefined ? '' : `, line ${line}`);
    throw new BadConfig(
      `The Temporal profile ${name ?? 'default'} can't be used: ${why}.\n` +
        'TEMPORAL_PROFILE names it. It is read from the file TEMPORAL_CONFIG_FILE or, by default, from temporalio/temporal.toml ' +
        "in the user's configuration folder.",
    );
  }
}

type Tls = NonNullable<ClientConfigProfile['tls']>;

/** What a file of each kind holds. The names are those of the variables, and in lower case those in the profile. */
const PEM_FILES = [
  ['serverCACert', 'SERVER_CA_CERT', 'CERTIFICATE'],
  ['clientCert', 'CLIENT_CERT', 'CERTIFICATE'],
  ['clientKey', 'CLIENT_KEY', 'PRIVATE KEY'],
] as const;

function checkTls(tls: Tls): void {
  for (const [part, name, label] of PEM_FILES) checkPem(tls[part], name, label);
  if ((tls.clientCert === undefined) === (tls.clientKey === undefined)) return;
  const [given, missing] = tls.clientCert ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  throw new BadConfig(
    `TEMPORAL_TLS_CLIENT_${missing}_PATH: required, because TEMPORAL_TLS_CLIENT_${given}_PATH is set: a client certificate ` +
      'needs its key. The same goes for client_cert_path and client_key_path in a profile.',
  );
}

function checkPem(source: ConfigDataSource | undefined, name: string, label: string): void {
  if (source === undefined) return;
  const from = 'path' in source ? source.path : `TEMPORAL_TLS_${name}_DATA`;
  const expected = `TEMPORAL_TLS_${name}_PATH, or ${name.toLowerCase()}_path in the profile: expected a PEM file with a ${label}`;
  let text: string;
  try {
    text = Buffer.from(loadConfigData(source) ?? []).toString('latin1');
  } catch (error) {
    throw new BadConfig(`${expected}; can't read ${from}: ${(error as NodeJS.ErrnoException).code}.`);
  }
  if (text.includes('BEGIN ENCRYPTED PRIVATE KEY')) {
    throw new BadConfig(`${expected}, got one with a passphrase in ${from}: decrypt it with openssl pkey.`);
  }
  if (!new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(text)) {
    throw new BadConfig(`${expected}, got something else in ${from}.`);
  }
}
