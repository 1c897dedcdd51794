import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** Bytes of a key of AES-256. */
const KEY_BYTES = 32;

/** The keys that payloads are encrypted with. */
export interface PayloadKeys {
  /** Id of the key that encrypts from now on. */
  encryptWith: string;
  /** All keys by id, 32 bytes each. Older ones still decrypt what they encrypted. */
  keys: ReadonlyMap<string, Uint8Array>;
}

/** A file of payload keys is missing or wrong. The message never holds a key. */
export class BadPayloadKeys extends Error {
  override name = 'BadPayloadKeys';
}

const EXAMPLE = '{"encryptWith": "2026-11", "keys": {"2026-11": "…32 bytes in base64…"}}';
const ID = /^[\w.-]{1,64}$/;
const KEY = `${KEY_BYTES} bytes in base64, as \`openssl rand -base64 ${KEY_BYTES}\` prints them`;

const fileSchema = z.strictObject(
  {
    encryptWith: z.string('the id of one of the keys'),
    keys: z.record(
      z.string().regex(ID, 'ids of 1 to 64 letters, digits, dots, hyphens and underscores'),
      z
        .string(KEY)
        .transform((text) => Buffer.from(text, 'base64'))
        .refine((key) => key.length === KEY_BYTES, KEY),
      'an object of keys by id',
    ),
  },
  'an object with encryptWith and keys',
);

/**
 * Reads a file such as `{"encryptWith": "2026-11", "keys": {"2026-11": "…", "2026-05": "…"}}`. Throws BadPayloadKeys.
 */
export async function readPayloadKeys(path: string): Promise<PayloadKeys> {
  const fail = (expected: string, options?: ErrorOptions) =>
    new BadPayloadKeys(`Expected ${expected} in ${path}, a JSON file such as ${EXAMPLE}.`, options);
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // The message of JSON.parse would quote the text.
    if (error instanceof SyntaxError) throw fail('JSON');
    throw new BadPayloadKeys(`Can't read ${path}: ${(error as NodeJS.ErrnoException).code}.`, { cause: error });
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const { message, path: where } = parsed.error.issues[0] as z.core.$ZodIssue;
    throw fail(`${where.length > 0 ? `${where.join('.')}: ` : ''}${message}`);
  }
  const { encryptWith, keys } = parsed.data;
  if (!Object.hasOwn(keys, encryptWith)) throw fail(`a key of the id that encryptWith names (${encryptWith})`);
  return { encryptWith, keys: new Map(Object.entries(keys)) };
}
