/**
 * Encryption of everything this system gives to Temporal: inputs, results, heartbeats, failures, memos, answers. Other
 * services import it as "./encryption"; their clients must share the workers' keys.
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

const CONVERTER = fileURLToPath(new URL(`./converter${extname(import.meta.url)}`, import.meta.url));

/**
 * For Client and Worker: encrypts with the keys in this file, which has the format of PAYLOAD_KEYS_FILE. Without a file
 * it encrypts nothing, and what is encrypted throws CantDecrypt. Throws BadPayloadKeys.
 */
export async function dataConverterOf(keysFile: string | undefined): Promise<DataConverter> {
  if (keysFile === undefined) return { payloadCodecs: [encryptionCodec(undefined)] };
  const keys = await readPayloadKeys(keysFile);
  return { payloadCodecs: [encryptionCodec(keys)], failureConverterPath: CONVERTER };
}
