/** The settings, read once from the environment and `.env`. The only reader of our own; of `TEMPORAL_*` the library reads all but two. */
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { STORE_HASH } from './contract/job.ts';
import { isLoopback } from './process.ts';

/** The package's own folder, to which relative paths in settings refer. */
export const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A setting is missing or wrong. The message names it, what was expected and what came, never a token. */
export class BadConfig extends Error {
  override name = 'BadConfig';
}

const apiUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL such as https://api.bigcommerce.com', abort: true })
  .refine((url) => url.startsWith('https:') || isLoopback(new URL(url).hostname), {
    error: 'expected https: plain http would show the token to the network, and is taken for this machine only',
  })
  .transform((url) => url.replace(/\/+$/, ''));

const address = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i, {
  error: 'expected an IP address and a port such as 127.0.0.1:9464',
});

// Of what Temporal takes, what no shell changes. It parts the two by . and :, which are in no name. Of names of 440
// characters a server of 1.32 takes no notice, and says nothing; 255 are taken.
const deploymentName = z.string().regex(/^(?!__)[\w/@+-]{1,255}$/, {
  error: 'expected 1 to 255 letters, digits and _ - / @ +, not beginning with __',
});
const buildId = z.string().regex(/^(?!__)[\w/@+.:-]{1,255}$/, {
  error: 'expected 1 to 255 letters, digits and . _ - : / @ +, not beginning with __',
});

function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.coerce
    .number({ error })
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, { error });
}

// Set both or neither.
const ONE_STORE = ['BIGCOMMERCE_STORE_HASH', 'BIGCOMMERCE_ACCESS_TOKEN'] as const;
const VERSION = ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'] as const;

/** Whether just one of two settings is set; then it reports the other one. */
function missesOne<Name extends string>(
  settings: Partial<Record<Name, unknown>>,
  names: readonly [Name, Name],
  context: z.RefinementCtx,
): boolean {
  const given = names.filter((name) => settings[name] !== undefined);
  const missing = names.find((name) => settings[name] === undefined);
  if (given.length !== 1 || missing === undefined) return false;
  context.addIssue({ code: 'custom', path: [missing], message: `expected it as well, since ${given[0]} is set` });
  return true;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const jobsSettings = z.object({
  JOB_STORE: z.string().default('file:./data'),
  PAYLOAD_KEYS_FILE: z.string().optional(),
  TEMPORAL_PROFILE: z.string().optional(),
  // What the library does not know is false for it: the connection would be without TLS.
  TEMPORAL_TLS: z.enum(['true', 'false', '1', '0'], { error: 'expected true or false' }).optional(),
});

const starterSettings = jobsSettings.extend({
  BIGCOMMERCE_API_URL: apiUrl.default('https://api.bigcommerce.com'),
  WEB_UI_URL: z.url({ protocol: /^https?$/, error: 'expected a URL such as http://localhost:8233' }).optional(),
});

const codecServerSettings = z.object({
  PAYLOAD_KEYS_FILE: z.string('expected the file of keys that the workers have'),
  CODEC_ADDRESS: address.default('127.0.0.1:8081'),
  CODEC_ORIGINS: z
    .string()
    .default('http://localhost:8233')
    .transform((list) => list.split(',').map((origin) => origin.trim())),
  // Whoever knows it reads everything.
  CODEC_TOKEN: z
    .string('expected text of at least 16 characters, as `openssl rand -hex 16` prints it')
    .min(16, 'expected at least 16 characters'),
});

const workerSettings = jobsSettings
  .extend({
    BIGCOMMERCE_API_URL: apiUrl.default('https://api.bigcommerce.com'),
    BIGCOMMERCE_TOKENS_FILE: z.string().optional(),
    BIGCOMMERCE_STORE_HASH: z
      .string()
      .regex(STORE_HASH, { error: 'expected 1 to 32 lower-case letters and digits' })
      .optional(),
    // No white space: a header can't carry it, and the error then would show the token.
    BIGCOMMERCE_ACCESS_TOKEN: z
      .string()
      .regex(/^[!-~]+$/, { error: 'expected text without spaces' })
      .optional(),
    SOURCE_ROOTS: z.string().optional(),
    MAX_STORES: wholeNumber(1, 1000).default(20),
    QUOTA_RESERVE_PERCENT: wholeNumber(0, 99).default(0),
    METRICS_ADDRESS: address.optional(),
    HEALTH_ADDRESS: address.optional(),
    // As Temporal's worker controller for Kubernetes names them.
    TEMPORAL_DEPLOYMENT_NAME: deploymentName.optional(),
    TEMPORAL_WORKER_BUILD_ID: buildId.optional(),
    LOG_LEVEL: z.enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  })
  .superRefine((settings, context) => {
    const file = settings.BIGCOMMERCE_TOKENS_FILE;
    if (file === undefined && missesOne(settings, ONE_STORE, context)) return;
    const given = ONE_STORE.filter((name) => settings[name] !== undefined);
    if (file === undefined ? given.length === 2 : given.length === 0) return;
    const message =
      file === undefined
        ? 'expected either this, a JSON file of {"store hash": "token"}, or both of BIGCOMMERCE_STORE_HASH and BIGCOMMERCE_ACCESS_TOKEN'
        : `expected either this or one store, got ${given.join(' and ')} as well: empty what is not to be used`;
    context.addIssue({ code: 'custom', path: ['BIGCOMMERCE_TOKENS_FILE'], message });
  })
  .superRefine((settings, context) => void missesOne(settings, VERSION, context));

/** What a worker is told. */
export interface WorkerConfig {
  /** Name of the profile that says how to connect to Temporal; undefined: the one called default, if there is one. */
  temporalProfile: string | undefined;
  apiUrl: string;
  tokens: { file: string } | { storeHash: string; token: string };
  jobStore: string;
  /** File of the keys that everything is encrypted with which Temporal is given; undefined: nothing is. */
  payloadKeysFile: string | undefined;
  /** Null: the job store's own `sources`. */
  sourceRoots: string[] | null;
  maxStores: number;
  quotaReservePercent: number;
  /** IP address and port to serve Prometheus metrics on. */
  metricsAddress: string | undefined;
  /** IP address and port to answer questions for the worker's health on. */
  healthAddress: string | undefined;
  /** The version that this worker is of; null: none. */
  version: { deploymentName: string; buildId: string } | null;
  logLevel: (typeof LOG_LEVELS)[number];
}

/** What the starter is told. */
export interface StarterConfig {
  /** As the worker's. */
  temporalProfile: string | undefined;
  jobStore: string;
  /** As the worker's. */
  payloadKeysFile: string | undefined;
  /** The API that jobs run against is taken to be the worker's. */
  apiUrl: string;
  webUiUrl: string | undefined;
  /** The folder that paths on the command line start from. */
  folder: string;
}

/** What the codec server is told. */
export interface CodecServerConfig {
  payloadKeysFile: string;
  /** IP address and port to listen on. */
  address: string;
  /** Origins of the Web UIs that may ask. */
  origins: string[];
  token: string;
}

/** Reads the codec server's settings. Throws BadConfig. */
export function codecServerConfig(): CodecServerConfig {
  const settings = read(codecServerSettings);
  return {
    payloadKeysFile: fromRoot(settings.PAYLOAD_KEYS_FILE),
    address: settings.CODEC_ADDRESS,
    origins: settings.CODEC_ORIGINS,
    token: settings.CODEC_TOKEN,
  };
}

/** Reads the worker's settings. Throws BadConfig. */
export function workerConfig(): WorkerConfig {
  const settings = read(workerSettings);
  const { BIGCOMMERCE_STORE_HASH: storeHash, BIGCOMMERCE_ACCESS_TOKEN: token } = settings;
  const { TEMPORAL_DEPLOYMENT_NAME: name, TEMPORAL_WORKER_BUILD_ID: build } = settings;
  const file = settings.BIGCOMMERCE_TOKENS_FILE;
  return {
    temporalProfile: settings.TEMPORAL_PROFILE,
    apiUrl: settings.BIGCOMMERCE_API_URL,
    tokens: file === undefined ? { storeHash: storeHash as string, token: token as string } : { file: fromRoot(file) },
    jobStore: settings.JOB_STORE,
    payloadKeysFile: payloadKeysFile(settings),
    sourceRoots: settings.SOURCE_ROOTS?.split(',').map((root) => root.trim()) ?? null,
    maxStores: settings.MAX_STORES,
    quotaReservePercent: settings.QUOTA_RESERVE_PERCENT,
    metricsAddress: settings.METRICS_ADDRESS,
    healthAddress: settings.HEALTH_ADDRESS,
    version: name !== undefined && build !== undefined ? { deploymentName: name, buildId: build } : null,
    logLevel: settings.LOG_LEVEL,
  };
}

/** Reads the starter's settings. Throws BadConfig. */
export function starterConfig(): StarterConfig {
  const settings = read(starterSettings);
  // `npm run` moves to the package's root and tells where the person is. So it does to programs that its scripts start.
  const { npm_lifecycle_event: script, INIT_CWD: typedIn } = process.env;
  return {
    temporalProfile: settings.TEMPORAL_PROFILE,
    jobStore: settings.JOB_STORE,
    payloadKeysFile: payloadKeysFile(settings),
    apiUrl: settings.BIGCOMMERCE_API_URL,
    webUiUrl: settings.WEB_UI_URL,
    folder: (script === 'starter' ? typedIn : undefined) ?? process.cwd(),
  };
}

function read<T extends z.ZodType>(schema: T): z.output<T> {
  // ENV_FILE names another file; empty, as in tests and the demo, none.
  const file = process.env['ENV_FILE'] ?? `${PACKAGE_ROOT}.env`;
  // What is in the environment wins over the file.
  if (existsSync(file)) process.loadEnvFile(file);
  // To Temporal's library an empty one is set: an API key of no letters, which switches TLS on. Of headers it means none.
  for (const [name, value] of Object.entries(process.env)) {
    if (value === '' && /^TEMPORAL_(?!GRPC_META_)/.test(name)) delete process.env[name];
  }
  // The AWS SDK tells operators which Node.js its later versions want; which version is installed is up to developers.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const set = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const secret = ['BIGCOMMERCE_ACCESS_TOKEN', 'BIGCOMMERCE_TOKENS_FILE', 'CODEC_TOKEN'].includes(name);
    const came = secret || set[name] === undefined ? '' : `, got ${JSON.stringify(set[name])}`;
    return `${name}: ${message}${came}`;
  });
  throw new BadConfig(
    `${lines.join('\n')}\nSet it in the environment or in ${file || '.env'}; .env.example lists all settings.`,
  );
}

function payloadKeysFile({ PAYLOAD_KEYS_FILE: file }: z.output<typeof jobsSettings>): string | undefined {
  return file === undefined ? undefined : fromRoot(file);
}

function fromRoot(path: string): string {
  return isAbsolute(path) ? path : `${PACKAGE_ROOT}${path}`;
}
