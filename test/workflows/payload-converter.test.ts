import { defaultPayloadConverter, type Payload, type SerializationContext } from '@temporalio/common';
import { payloadConverter, Unreadable } from '../../src/payloads/converter.ts';

const IN_WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'w' } as const;
const IN_ACTIVITY = { type: 'activity', namespace: 'default', isLocal: false } as const;

const payload = (encoding: string, data = 'x'): Payload => ({
  metadata: { encoding: Buffer.from(encoding) },
  data: Buffer.from(data),
});

test('reads and writes what Temporal can read and write, as Temporal does', () => {
  for (const value of [undefined, null, 'x', 1, [], { a: [{ b: 'ü' }] }, new Uint8Array([1, 2])]) {
    const written = payloadConverter.toPayload(value);
    expect(written).toEqual(defaultPayloadConverter.toPayload(value));
    expect(payloadConverter.fromPayload(written, IN_WORKFLOW)).toEqual(value);
  }
});

test.each([
  ['json/plain', 'JSON that does not parse'],
  ['json/protobuf', 'a payload of the encoding json/protobuf'],
  ['\u001b[2J', 'a payload of an unknown encoding'],
])('says in words that a workflow was sent %j', (encoding, found) => {
  expect(payloadConverter.fromPayload(payload(encoding), IN_WORKFLOW)).toEqual(new Unreadable(found));
});

// The task fails, and is tried again until a worker has the key: no job may fail because this one lacks it.
test('an encrypted payload is never taken for a wrong value', () => {
  expect(() => payloadConverter.fromPayload(payload('binary/encrypted'), IN_WORKFLOW)).toThrow('Unknown encoding');
});

test.each<[string, SerializationContext | undefined]>([
  ['an activity', IN_ACTIVITY],
  ['nobody knows whom', undefined],
])('what can not be read of %s throws', (_, context) => {
  expect(() => payloadConverter.fromPayload(payload('json/protobuf'), context)).toThrow('Unknown encoding');
  expect(() => payloadConverter.fromPayload(payload('json/plain'), context)).toThrow('JSON');
});
