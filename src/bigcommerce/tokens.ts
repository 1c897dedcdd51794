/** The access tokens of stores. No token, and nothing else out of the tokens file, is ever put into a message. */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

/** Where tokens come from. */
export type TokensConfig =
  /** A JSON file `{"<store hash>": "<token>"}`. */
  | { file: string }
  /** One store. */
  | { storeHash: string; token: string };

/** Tokens by store hash; both functions answer undefined for a store that has none. */
export interface Tokens {
  /** The token at present: a tokens file is read again when it has changed. */
  tokenFor(storeHash: string): string | undefined;
  /** The token after reading the file again, whatever its time says. To be asked before a token is given up. */
  reread(storeHash: string): string | undefined;
  /** What a person does for another token of a store, and for a first one: ends of sentences. */
  readonly cures: { refused: string; missing: string };
}

// What may stand in a header; anything else would fail every call.
const tokensFile = z.record(
  z.string(),
  z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/),
);

/** Throws Error where the file is missing or broken; if it breaks later, `warn` is told and the last good one stays. */
export function createTokens(config: TokensConfig, warn: (message: string) => void): Tokens {
  if ('file' in config) return tokensFromFile(config.file, warn);
  const tokenFor = (storeHash: string) => (storeHash === config.storeHash ? config.token : undefined);
  const cures = {
    refused: 'set BIGCOMMERCE_ACCESS_TOKEN and restart the worker',
    missing: `this worker has the token of store ${config.storeHash} only; use BIGCOMMERCE_TOKENS_FILE for several`,
  };
  return { tokenFor, reread: tokenFor, cures };
}

function tokensFromFile(file: string, warn: (message: string) => void): Tokens {
  let version = versionOf(file);
  let tokens = readTokens(file);

  function refresh(force: boolean): void {
    const present = versionOf(file);
    if (present === version && !force) return;
    try {
      tokens = readTokens(file);
    } catch (error) {
      // Once for each change, not once for each call.
      if (present !== version) warn(`${(error as Error).message} The tokens read before stay in use.`);
    }
    version = present;
  }

  function ask(storeHash: string, force: boolean): string | undefined {
    refresh(force);
    return Object.hasOwn(tokens, storeHash) ? tokens[storeHash] : undefined;
  }

  const cures = {
    refused: `put a valid one into the tokens file ${file}`,
    missing: `add it to the tokens file ${file}`,
  };
  return { tokenFor: (hash) => ask(hash, false), reread: (hash) => ask(hash, true), cures };
}

/** Changes whenever the file was written or replaced. */
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
    throw new Error(`Expected ${expected}, but what is there is not JSON.`);
  }
  const { data } = tokensFile.safeParse(json);
  if (!data) throw new Error(`Expected ${expected}, but it is not one object whose values are all tokens.`);
  return data;
}
