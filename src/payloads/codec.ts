import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { PayloadKeys } from './keys.ts';

const { Payload: Message } = proto.temporal.api.common.v1;

/** Metadata of an encrypted payload, as in Temporal's own samples, so that either can read the other's. */
const ENCODING = 'binary/encrypted';
const CIPHER = 'AES/GCM/NoPadding';

// As NIST SP 800-38D recommends for AES-GCM: a random nonce for each payload, and a full tag.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A payload can't be decrypted: we don't have its key, or it was changed. */
export class CantDecrypt extends Error {
  override name = 'CantDecrypt';
}

/**
 * Encrypts whole payloads, including their metadata, as `nonce, ciphertext, tag`; without keys, nothing. Decoding
 * passes on what is not encrypted: it was written before encryption was switched on, or by others. Decoding throws
 * CantDecrypt.
 */
export function encryptionCodec(ours: PayloadKeys | undefined): PayloadCodec {
  return {
    encode: async (payloads) => (ours ? payloads.map((payload) => encrypted(payload, ours)) : payloads),
    decode: async (payloads) =>
      payloads.map((payload) => (text(payload, 'encoding') === ENCODING ? decrypted(payload, ours) : payload)),
  };
}

function encrypted(payload: Payload, ours: PayloadKeys): Payload {
  const { encryptWith: id } = ours;
  const key = keyOf(id, ours);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const plain = Message.encode(payload).finish();
  return {
    metadata: {
      encoding: Buffer.from(ENCODING),
      'encryption-cipher': Buffer.from(CIPHER),
      'encryption-key-id': Buffer.from(id),
    },
    data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypted(payload: Payload, ours: PayloadKeys | undefined): Payload {
  const id = text(payload, 'encryption-key-id');
  const key = keyOf(id, ours);
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return Message.decode(plain);
  } catch (error) {
    throw new CantDecrypt(
      `A payload encrypted with the key ${id} was changed, or the key with that id is a different one here.`,
      {
        cause: error,
      },
    );
  }
}

function keyOf(id: string, ours: PayloadKeys | undefined): Uint8Array {
  const key = ours?.keys.get(id);
  if (key !== undefined) return key;
  const here = ours ? `the keys here are ${[...ours.keys.keys()].join(', ')}` : 'there is no PAYLOAD_KEYS_FILE here';
  throw new CantDecrypt(
    `A payload was encrypted with the key ${JSON.stringify(id.slice(0, 64))}, and ${here}. Set PAYLOAD_KEYS_FILE to a ` +
      'file that has it, and restart this program.',
  );
}

function text({ metadata }: Payload, name: string): string {
  const bytes = metadata?.[name];
  return bytes ? Buffer.from(bytes).toString('utf8') : '';
}
