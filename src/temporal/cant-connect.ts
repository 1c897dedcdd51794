/** Why a Temporal server can't be used, in words: the libraries' errors are dumps of what lies below them. */
import { BadConfig } from '../config.ts';
import { grpcFailure } from './grpc.ts';
import type { Target } from './target.ts';

/** What came, and what to do about it. */
type Words = [came: string, cure: string];

/** A kind of failure by gRPC's status, or by what the library's text has; the first that fits is it. */
const KINDS: [sign: number | RegExp, words: (target: Target, text: string) => Words][] = [
  [4, noServer('no answer within 5 s')],
  [5, noNamespace],
  [7, notAllowed],
  [16, keyRefused],
  [/ECONNREFUSED|ConnectionRefused/, noServer('connection refused')],
  [/Name resolution failed|dns error/, noServer('the host name is not known')],
  [/Invalid address|BAD_PORT|invalid port/, noServer('that is no host:port')],
  [/wrong version number|InvalidContentType/, noTls],
  [/x509 certificate routines|DECODER|PEM routines|PrivateKey|InconsistentKeys/, badPair],
  [/has expired|\(Expired/, certificate('has expired', 'It is to be renewed there.')],
  [/ALTNAME|NotValidForName/, wrongName],
  [/ alert |fatal alert/, clientCertificate],
  [/certificate|UnknownIssuer/, untrusted],
  [/Failed to connect|closed|reset|RESET|EPIPE|Reset|BrokenPipe|rotocol|hang up/, hungUp],
];

/** The error for people: what came, what was tried, what to do; without a key. */
export function cantConnect(target: Target, error: unknown): BadConfig {
  const failure = grpcFailure(error);
  const { apiKey } = target.options;
  const all = failure?.details ?? (error as Error).message;
  const text = lastError(apiKey === undefined ? all : all.replaceAll(apiKey, '…'));
  const kind = KINDS.find(([sign]) => (typeof sign === 'number' ? sign === failure?.code : sign.test(all)));
  const [came, cure] = kind?.[1](target, text) ?? [
    `The Temporal server at ${target.address} can't be used: ${text}`,
    ADDRESS,
  ];
  return new BadConfig(`${came}.\n${tried(target)}\n${cure}`, { cause: error });
}

/** The words in it: grpc-js and the worker's library wrap them in what is of use to nobody here. */
function lastError(text: string): string {
  const wrapped =
    /Last error: (?:\w*Error(?: \[\w+\])?: )?([^]*?)(?: \(\d{4}-[^)]*\))?\.? Resolution note/.exec(text) ??
    /\b(?:message|error): "([^"]*)"/.exec(text);
  return (wrapped?.[1] ?? text).trim().replace(/\.$/, '');
}

function tried({ address, namespace, profile, options: { tls, apiKey } }: Target): string {
  const how = [
    hasClientCertificate(tls) ? 'TLS with a client certificate' : tls || apiKey ? 'TLS' : 'without TLS',
    ...(apiKey === undefined ? [] : ['API key']),
  ];
  return `Tried ${address}, namespace ${namespace}, profile ${profile}, ${how.join(', ')}.`;
}

const hasClientCertificate = (tls: Target['options']['tls']): boolean =>
  typeof tls === 'object' && tls?.clientCertPair !== undefined;

const ADDRESS = 'TEMPORAL_ADDRESS, or address in the profile, says where it is.';

const CLIENT_CERTIFICATE =
  'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or client_cert_path and client_key_path in the ' +
  "profile's tls, name the certificate and its key.";

function noServer(why: string): (target: Target) => Words {
  return ({ address }) => [
    `No Temporal server answers at ${address}: ${why}`,
    `${ADDRESS} For a server on this machine run \`temporal server start-dev\`; \`npm run demo\` shows a whole job with a ` +
      'server of its own.',
  ];
}

function noNamespace({ address, namespace }: Target): Words {
  return [
    `The Temporal server at ${address} has no namespace ${namespace}`,
    'Set TEMPORAL_NAMESPACE, or namespace in the profile, to one that it has, or create it: ' +
      `temporal operator namespace create --namespace ${namespace}`,
  ];
}

function keyRefused({ address, options: { apiKey } }: Target, text: string): Words {
  const how = apiKey === undefined ? 'wants an API key' : 'refuses the API key';
  return [
    `The Temporal server at ${address} ${how}: ${text}`,
    'TEMPORAL_API_KEY, or api_key in the profile, is the key.',
  ];
}

function notAllowed({ address, namespace }: Target, text: string): Words {
  return [
    `The Temporal server at ${address} does not let us use the namespace ${namespace}: ${text}`,
    'TEMPORAL_NAMESPACE, or namespace in the profile, is the namespace; TEMPORAL_API_KEY, or api_key, the key. ' +
      'Else the client certificate says who we are.',
  ];
}

function noTls({ address }: Target): Words {
  return [
    `The server at ${address} does not speak TLS`,
    'Set TEMPORAL_TLS=false where it is right that it does not. Otherwise correct the address: TEMPORAL_ADDRESS, or address ' +
      'in the profile.',
  ];
}

function certificate(what: string, cure: string): (target: Target) => Words {
  return ({ address }) => [`The certificate of the Temporal server at ${address} ${what}`, cure];
}

function wrongName(target: Target, text: string): Words {
  const names = /cert's altnames: (.*)/.exec(text)?.[1];
  return certificate(
    `is not for that name${names === undefined ? '' : `, but for ${names}`}`,
    "Set TEMPORAL_TLS_SERVER_NAME, or server_name in the profile's tls, to a name that it is for, or correct TEMPORAL_ADDRESS.",
  )(target);
}

function untrusted(target: Target, text: string): Words {
  return certificate(
    `is not trusted: ${text}`,
    "Set TEMPORAL_TLS_SERVER_CA_CERT_PATH, or server_ca_cert_path in the profile's tls, to a PEM file of the authority " +
      'that signed it.',
  )(target);
}

function clientCertificate({ address, options: { tls } }: Target, text: string): Words {
  const alert = /alert (?!number)([a-z ]+)|fatal alert: (\w+)/.exec(text);
  const words = (alert?.[1] ?? alert?.[2] ?? text).trim();
  const how = hasClientCertificate(tls) ? 'does not take the client certificate' : 'wants a client certificate';
  return [`The Temporal server at ${address} ${how}: ${words}`, CLIENT_CERTIFICATE];
}

function badPair(_: Target, text: string): Words {
  return [`The client certificate and its key can't be used: ${text}`, CLIENT_CERTIFICATE];
}

/** Servers say seldom why they hang up: what it may be depends on what we did. */
function hungUp(target: Target): Words {
  const { tls, apiKey } = target.options;
  if (tls || apiKey) return clientCertificate(target, 'it closes the connection');
  return [
    `The server at ${target.address} closes the connection, as those do that want TLS`,
    'Set TEMPORAL_TLS=true, or give the profile a tls table.',
  ];
}
