/** How values and failures become payloads and vice versa. The SDK loads this file by its path, also into workflows. */
import { DefaultFailureConverter, defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';
import { strFromU8 } from 'fflate';

/** Stands for a payload that can't be read; it is never valid input. */
export class Unreadable {
  /** What it is, in words. */
  readonly found: string;
  constructor(found: string) {
    this.found = found;
  }
}

/** The encoding that codec.ts writes, and decrypts before a payload gets here. */
const ENCRYPTED = 'binary/encrypted';

/**
 * Anybody may send a workflow any payload, and none may stop it. What a workflow itself is sent (input, memo, arguments
 * of its messages) becomes Unreadable if the SDK's own converter throws, since its task would otherwise fail again and
 * again. Encrypted payloads always throw, so that the task waits for a worker with the key. So do results of
 * activities, which only our own workers write.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      const encoding = strFromU8(payload.metadata?.['encoding'] ?? new Uint8Array());
      if (context?.type !== 'workflow' || encoding === ENCRYPTED) throw error;
      return new Unreadable(inWords(encoding)) as never;
    }
  },
};

function inWords(encoding: string): string {
  if (encoding === 'json/plain') return 'JSON that does not parse';
  if (encoding === '') return 'a payload of no encoding';
  return /^[\w./+-]{1,64}$/.test(encoding)
    ? `a payload of the encoding ${encoding}`
    : 'a payload of an unknown encoding';
}

/** Puts messages and stack traces of failures where payload codecs can encrypt them: for workers that encrypt. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
