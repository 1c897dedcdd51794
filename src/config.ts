/**
 * The settings, read once from the environment and `.env`, by the names that operators know; .env.example says what
 * each means. Only this file reads our own; of `TEMPORAL_*`, Temporal's SDK reads all that is not below.
 */
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { STORE_HASH } from './contract/job.ts';
import { isLoopback } from './process.ts';

/** The package's own folder, to which relative paths in settings refer. */
export const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A setting is missing or wrong. The message names it and says what was expected and what came, but never a token. */
export class BadConfig extends Error {
  override name = 'BadConfig';
}

const apiUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL such as https://api.bigcommerce.com', abort: true })
  .refine((url) => url.startsWith('https:') || isLoopback(new URL(url).hostname), {
    error: 'expected https: plain http would expose the token to the network, so only this machine may be http',
  })
  .transform((url) => url.replace(/\/+$/, ''))
  .default('https://api.bigcommerce.com');

const address = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i, {
  error: 'expected an IP address and a port such as 127.0.0.1:9464',
});

const path = z.string().transform((given) => (isAbsolute(given) ? given : `${PACKAGE_ROOT}${given}`));

const list = z.string().transform((items) => items.split(',').map((item) => item.trim()));

// The characters that Temporal allows and no shell changes. Temporal joins the two with . or :, so a deployment's name
// has neither. Server 1.32 accepts 255 characters, and silently ignores a version with 440.
const deploymentName = z.string().regex(/^(?!__)[\w/@+-]{1,255}$/, {
  error: 'expected 1 to 255 letters, digits and _ - / @ +, not beginning with __',
});
const buildId = z.string().regex(/^(?!__)[\w/@+.:-]{1,255}$/, {
  error: 'expected 1 to 255 letters, digits and . _ - : / @ +, not beginning with __',
});

function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

// Set both or neither.
const ONE_STORE = ['BIGCOMMERCE_STORE_HASH', 'BIGCOMMERCE_ACCESS_TOKEN'] as const;
const VERSION = ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'] as const;

/** Whether exactly one of two settings is set; if so, reports that the other is missing. */
function missesOne<Name extends string>(
  settings: Partial<Record<Name, unknown>>,
  names: readonly [Name, Name],
  context: z.RefinementCtx,
): boolean {
  const given = names.filter((name) => settings[name] !== undefined);
  const missing = names.find((name) => settings[name] === undefined);
  if (given.length !== 1 || missing === undefined) return false;
  context.addIssue({ code: 'custom', path: [missing], message: `required, because ${given[0]} is set` });
  return true;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** What the worker and the starter share. The starter assumes that its BIGCOMMERCE_API_URL is the worker's. */
const jobsSettings = z.object({
  JOB_STORE: z.string().default('file:./data'),
  PAYLOAD_KEYS_FILE: path.optional(),
  TEMPORAL_PROFILE: z.string().optional(),
  // Checked here only: the SDK takes any value it does not know for false, and would connect without TLS.
  TEMPORAL_TLS: z.enum(['true', 'false', '1', '0'], { error: 'expected true or false' }).optional(),
  BIGCOMMERCE_API_URL: apiUrl,
});

const starterSettings = jobsSettings
  .extend({
    WEB_UI_URL: z.url({ protocol: /^https?$/, error: 'expected a URL such as http://localhost:8233' }).optional(),
    // `npm run` changes to the package's root, and passes on where the person is, also to what its scripts start.
    npm_lifecycle_event: z.string().optional(),
    INIT_CWD: z.string().optional(),
  })
  .transform(({ npm_lifecycle_event: script, INIT_CWD: typedIn, ...settings }) => ({
    ...settings,
    /** The folder that relative paths on the command line start from. */
    folder: (script === 'starter' ? typedIn : undefined) ?? process.cwd(),
  }));

const codecServerSettings = z.object({
  PAYLOAD_KEYS_FILE: z.string('expected the file of keys that the workers have').pipe(path),
  CODEC_ADDRESS: address.default('127.0.0.1:8081'),
  CODEC_ORIGINS: list.default(['http://localhost:8233']),
  CODEC_TOKEN: z
    .string('expected text of at least 16 characters, as `openssl rand -hex 16` prints it')
    .min(16, 'expected at least 16 characters'),
});

const workerSettings = jobsSettings
  .extend({
    BIGCOMMERCE_TOKENS_FILE: path.optional(),
    BIGCOMMERCE_STORE_HASH: z
      .string()
      .regex(STORE_HASH, { error: 'expected 1 to 32 lower-case letters and digits' })
      .optional(),
    // No white space: a header can't carry it, and the error would then show the token.
    BIGCOMMERCE_ACCESS_TOKEN: z
      .string()
      .regex(/^[!-~]+$/, { error: 'expected text without spaces' })
      .optional(),
    SOURCE_ROOTS: list.optional(),
    MAX_STORES: wholeNumber(1, 1000).default(20),
    QUOTA_RESERVE_PERCENT: wholeNumber(0, 99).default(0),
    METRICS_ADDRESS: address.optional(),
    HEALTH_ADDRESS: address.optional(),
    // Named as Temporal's worker controller for Kubernetes names them.
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
        ? `expected either this, a JSON file of {"store hash": "token"}, or both ${ONE_STORE.join(' and ')}`
        : `expected either this or one store, got ${given.join(' and ')} as well: clear what you don't use`;
    context.addIssue({ code: 'custom', path: ['BIGCOMMERCE_TOKENS_FILE'], message });
  })
  .superRefine((settings, context) => void missesOne(settings, VERSION, context))
  .transform((settings) => {
    const { BIGCOMMERCE_TOKENS_FILE: file, BIGCOMMERCE_STORE_HASH: storeHash = '' } = settings;
    const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = settings;
    return {
      ...settings,
      tokens: file === undefined ? { storeHash, token: settings.BIGCOMMERCE_ACCESS_TOKEN ?? '' } : { file },
      /** This worker's version; null: it has none. */
      version: deploymentName !== undefined && buildId !== undefined ? { deploymentName, buildId } : null,
    };
  });

export type WorkerConfig = z.output<typeof workerSettings>;

export type StarterConfig = z.output<typeof starterSettings>;

export const workerConfig = (): WorkerConfig => read(workerSettings);

export const starterConfig = (): StarterConfig => read(starterSettings);

export const codecServerConfig = (): z.output<typeof codecServerSettings> => read(codecServerSettings);

function read<T extends z.ZodType>(schema: T): z.output<T> {
  // ENV_FILE names another file, or none if it is empty, as in tests and the demo.
  const file = process.env['ENV_FILE'] ?? `${PACKAGE_ROOT}.env`;
  // What is in the environment wins over the file.
  if (existsSync(file)) process.loadEnvFile(file);
  // The SDK treats an empty variable as set: an empty TEMPORAL_API_KEY would turn TLS on. An empty TEMPORAL_GRPC_META_*
  // means "no header", so those stay.
  for (const [name, value] of Object.entries(process.env)) {
    if (value === '' && /^TEMPORAL_(?!GRPC_META_)/.test(name)) delete process.env[name];
  }
  // The AWS SDK warns operators about future Node.js requirements, which are the developers' concern.
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
