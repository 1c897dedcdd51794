import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

/** Where tokens come from. */
export type TokensConfig =
  /** A JSON file `{"<store hash>": "<token>"}`. */
  | { file: string }
  /** One store. */
  | { storeHash: string; token: string };

// Only what may appear in a header; anything else would fail every call.
const tokensFile = z.record(
  z.string(),
  z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/),
);

/** The access tokens of stores. No message contains a token, or anything else from the tokens file. */
export class Tokens {
  /** How a person sets another token for a store, or a first one: ends of sentences. */
  readonly cures: { refused: string; missing: string };
  readonly #file: string | undefined;
  readonly #warn: (message: string) => void;
  #tokens: Record<string, string>;
  #version: string | undefined;

  /** Throws Error if the file is missing or broken. If it breaks later, `warn` is called and the last good one stays. */
  constructor(config: TokensConfig, warn: (message: string) => void) {
    this.#warn = warn;
    if ('file' in config) {
      this.#file = config.file;
      this.#version = versionOf(config.file);
      this.#tokens = readTokens(config.file);
      this.cures = {
        refused: `put a valid one into the tokens file ${config.file}`,
        missing: `add it to the tokens file ${config.file}`,
      };
    } else {
      this.#tokens = { [config.storeHash]: config.token };
      this.cures = {
        refused: 'set BIGCOMMERCE_ACCESS_TOKEN and restart the worker',
        missing: `this worker only has the token of store ${config.storeHash}; use BIGCOMMERCE_TOKENS_FILE for several`,
      };
    }
  }

  /** The store's current token, if it has one: a tokens file is read again whenever it has changed. */
  tokenFor(storeHash: string): string | undefined {
    this.#refresh(false);
    return Object.hasOwn(this.#tokens, storeHash) ? this.#tokens[storeHash] : undefined;
  }

  /** The token after reading the file again, even if it looks unchanged. Call this before giving up on a token. */
  reread(storeHash: string): string | undefined {
    this.#refresh(true);
    return this.tokenFor(storeHash);
  }

  #refresh(force: boolean): void {
    if (this.#file === undefined) return;
    const version = versionOf(this.#file);
    if (version === this.#version && !force) return;
    try {
      this.#tokens = readTokens(this.#file);
    } catch (error) {
      // Once per change, not once per call.
      if (version !== this.#version) this.#warn(`${(error as Error).message} The tokens read before stay in use.`);
    }
    this.#version = version;
  }
}

/** Changes whenever the file is written or replaced. */
function versionOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function readTokens(file: string): Record<string, string> {
  const expected = `a JSON file {"<store hash>": "<access token>"} at ${file}`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`Expected ${expected}, but it cannot be read (${code}).`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file.
    throw new Error(`Expected ${expected}, but it is not JSON.`);
  }
  const { data } = tokensFile.safeParse(json);
  if (!data) throw new Error(`Expected ${expected}, but it is not an object whose values are all tokens.`);
  return data;
}
