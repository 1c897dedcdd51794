import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { HELP } from './help.ts';
import { BadInput, read, storeHash, token, wholeText } from './input.ts';
import type { EmulatorOptions } from './server.ts';
import { DEFAULTS, startEmulator } from './server.ts';

const BAD_USE = 2;

/** Every customer of a store costs 4 bytes. */
const MAX_CUSTOMERS = 10_000_000;
const DAY_MS = 86_400_000;

/** Makes commander print what is wrong with a flag's value. */
function flag<T>(readFlag: (value: string) => T): (value: string) => T {
  return (value) => {
    try {
      return readFlag(value);
    } catch (error) {
      throw error instanceof BadInput ? new InvalidArgumentError(error.message) : error;
    }
  };
}

const numeric = (min: number, max: number) => flag((value) => read('value', value, wholeText(min, max)));

function readStores(value: string): Record<string, string> {
  const stores: Record<string, string> = {};
  for (const pair of value.split(',')) {
    const [hash, ...secret] = pair.split('=');
    const name = read('store', hash, storeHash);
    if (Object.hasOwn(stores, name)) throw new BadInput(`expected each store once, got ${name} twice`);
    stores[name] = read(`token of ${name}`, secret.join('='), token);
  }
  return stores;
}

const program = new Command('emulator')
  .usage('[options]')
  .option('--port <n>', 'port to listen on; 0 is any free one', numeric(0, 65_535), DEFAULTS.port)
  .addOption(
    new Option('--stores <list>', 'access tokens by store hash: hash=token,hash2=token2')
      .argParser(flag(readStores))
      .default(DEFAULTS.stores, 'demo=demo-token'),
  )
  .option('--customers <n>', 'customers in each store', numeric(1, MAX_CUSTOMERS), DEFAULTS.customers)
  .option('--latency <ms>', 'how long an answer takes', numeric(0, DAY_MS), DEFAULTS.latency)
  .addOption(
    new Option('--quota <n>', 'requests per window; none is an unlimited plan, which sends no rate-limit headers')
      .argParser(numeric(1, 1_000_000))
      .default(DEFAULTS.quota, 'none'),
  )
  .option('--window <ms>', 'length of a window', numeric(1, DAY_MS), DEFAULTS.window)
  .option(
    '--page-size <n>',
    'most customers or groups on a page, whatever limit a GET asks for',
    numeric(1, 250),
    DEFAULTS.pageSize,
  )
  .option('--max-url <bytes>', 'longest path with query; longer ones get 414', numeric(100, 1_000_000), DEFAULTS.maxUrl)
  .showSuggestionAfterError(false)
  .addHelpText('after', HELP)
  .exitOverride();

function readOptions(): EmulatorOptions {
  try {
    return program.parse().opts<EmulatorOptions>();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : BAD_USE);
    throw error;
  }
}

const options = readOptions();
const emulator = await startEmulator(options).catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
  console.error(`error: can't listen on port ${options.port} (${error.code}); try --port 0`);
  process.exit(BAD_USE);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not `once`: `npm run` forwards a Ctrl-C that the terminal has already sent, and the second one would kill.
  process.on(signal, () => {
    void emulator.close().then(() => process.exit(0));
  });
}

const { stores, customers, latency, quota, window } = options;
const limit = quota === null ? 'no quota' : `${quota} requests per ${window} ms`;
console.log(
  `BigCommerce emulator ready on ${emulator.url} (stores ${Object.keys(stores).join(', ')}; ` +
    `customers 1 to ${customers}; ${latency} ms; ${limit})`,
);
