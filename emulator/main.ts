import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Check } from './checks.ts';
import { BadInput, checked, spelt, storeHash, token, wholeNumber } from './checks.ts';
import { HELP } from './help.ts';
import type { EmulatorOptions } from './server.ts';
import { DEFAULTS, startEmulator } from './server.ts';

const BAD_USE = 2;

/** The customers of a store cost 4 bytes each. */
const MAX_CUSTOMERS = 10_000_000;
const DAY_MS = 86_400_000;

/** Makes commander print what a check says of a flag's value. */
function flag<T>(read: (value: string) => T): (value: string) => T {
  return (value) => {
    try {
      return read(value);
    } catch (error) {
      throw error instanceof BadInput ? new InvalidArgumentError(error.message) : error;
    }
  };
}

const numeric = (check: Check<number>) => flag((value) => checked('value', spelt(value), check));

function readStores(value: string): Record<string, string> {
  const stores: Record<string, string> = {};
  for (const pair of value.split(',')) {
    const [hash, ...secret] = pair.split('=');
    const name = checked('store', hash, storeHash);
    if (Object.hasOwn(stores, name)) throw new BadInput(`expected every store once, got ${name} twice`);
    stores[name] = checked(`token of ${name}`, secret.join('='), token);
  }
  return stores;
}

const program = new Command('emulator')
  .usage('[options]')
  .option('--port <n>', 'port to listen on; 0: any free one', numeric(wholeNumber(0, 65_535)), DEFAULTS.port)
  .addOption(
    new Option('--stores <list>', 'access tokens by store hash: hash=token,hash2=token2')
      .argParser(flag(readStores))
      .default(DEFAULTS.stores, 'demo=demo-token'),
  )
  .option('--customers <n>', 'customers in each store', numeric(wholeNumber(1, MAX_CUSTOMERS)), DEFAULTS.customers)
  .option('--latency <ms>', 'how long an answer takes', numeric(wholeNumber(0, DAY_MS)), DEFAULTS.latency)
  .addOption(
    new Option('--quota <n>', 'requests in a window; none is an unlimited plan, which has no rate-limit headers')
      .argParser(numeric(wholeNumber(1, 1_000_000)))
      .default(DEFAULTS.quota, 'none'),
  )
  .option('--window <ms>', 'length of a window', numeric(wholeNumber(1, DAY_MS)), DEFAULTS.window)
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
  console.error(`error: expected port ${options.port} to be free for us, got ${error.code}; try --port 0`);
  process.exit(BAD_USE);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not once: `npm run` forwards the Ctrl-C that the terminal has sent already, and the second one would kill.
  process.on(signal, () => {
    void emulator.close().then(() => process.exit(0));
  });
}

const { stores, customers, latency, quota, window } = options;
const limit = quota === null ? 'no quota' : `${quota} requests in ${window} ms`;
console.log(
  `BigCommerce emulator ready on ${emulator.url} (stores ${Object.keys(stores).join(', ')}; ` +
    `customers 1 to ${customers}; ${latency} ms; ${limit})`,
);
