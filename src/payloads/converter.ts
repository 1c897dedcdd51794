/** How payloads become values in the workflow bundle: anybody may send a workflow any, and none may stop it. */
import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';
import { strFromU8 } from 'fflate';

/** What a workflow was sent, and can't be read. It is no valid value of anything. */
export class Unreadable {
  /** In words. */
  readonly found: string;
  constructor(found: string) {
    this.found = found;
  }
}

/** What codec.ts has encrypted, which its codec decrypts before we see it. */
const ENCRYPTED = 'binary/encrypted';

/**
 * Read by Temporal, under this name. Converts what a workflow itself is sent (input, memo, arguments of its messages) to
 * Unreadable where Temporal's own converter throws: its task would fail again and again. What is encrypted throws, whatever
 * it is: the task waits for a worker that has the key. So do results of activities, which only our own workers write.
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
