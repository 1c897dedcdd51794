/**
 * Encryption of all that this system gives to Temporal: inputs, results, heartbeats, failures, memos, answers. For other
 * services as package export "./encryption", whose clients must share the workers' keys.
 *
 * ```ts
 * const client = new Client({ connection, dataConverter: await dataConverterOf('/etc/payload-keys.json') });
 * ```
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { encryptionCodec } from './codec.ts';
import { readPayloadKeys } from './keys.ts';

export { CantDecrypt } from './codec.ts';
export { BadPayloadKeys } from './keys.ts';

/** Where failureConverter is, for those who load it by its path. */
const FAILURE_CONVERTER = fileURLToPath(new URL(`./failure-converter${extname(import.meta.url)}`, import.meta.url));

/**
 * For Client and Worker: encrypts with the keys of this file, as PAYLOAD_KEYS_FILE names one. Without a file it encrypts
 * nothing, and says what is missing where something is encrypted. Throws BadPayloadKeys.
 */
export async function dataConverterOf(keysFile: string | undefined): Promise<DataConverter> {
  if (keysFile === undefined) return { payloadCodecs: [encryptionCodec(undefined)] };
  const keys = await readPayloadKeys(keysFile);
  return { payloadCodecs: [encryptionCodec(keys)], failureConverterPath: FAILURE_CONVERTER };
}
