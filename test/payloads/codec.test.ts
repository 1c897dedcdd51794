import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { CantDecrypt, encryptionCodec } from '../../src/payloads/codec.ts';

const key = randomBytes(32);
const old = randomBytes(32);
const codec = encryptionCodec({ encryptWith: 'new', keys: new Map(Object.entries({ new: key, old })) });

const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload<unknown>(value);
const encode = async (value: unknown, by = codec) => (await by.encode([payload(value)]))[0] as Payload;
const decode = async (encrypted: Payload) =>
  defaultPayloadConverter.fromPayload((await codec.decode([encrypted]))[0] as Payload);

test('any value comes back as it was, and is not to be read in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      expect(JSON.stringify(await decode(await encode(value)))).toBe(JSON.stringify(value));
    }),
  );
  const { data } = await encode({ notes: 'a secret of the customer' });
  expect(Buffer.from(data as Uint8Array).toString('latin1')).not.toMatch(/secret|notes|json/);
});

test('the metadata tell the key, and the encoding of Temporal’s own samples', async () => {
  const { metadata } = await encode(1);
  const texts = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]);
  expect(Object.fromEntries(texts)).toEqual({
    encoding: 'binary/encrypted',
    'encryption-cipher': 'AES/GCM/NoPadding',
    'encryption-key-id': 'new',
  });
});

test('the same value is encrypted otherwise each time', async () => {
  expect((await encode('x')).data).not.toEqual((await encode('x')).data);
});

test('what an older key has encrypted is decrypted', async () => {
  const before = encryptionCodec({ encryptWith: 'old', keys: new Map([['old', old]]) });
  expect(await decode(await encode('earlier', before))).toBe('earlier');
});

test('what is not encrypted passes', async () => {
  expect(await decode(payload({ plain: true }))).toEqual({ plain: true });
});

test('a key that is not there is named', async () => {
  const other = encryptionCodec({ encryptWith: 'lost', keys: new Map([['lost', randomBytes(32)]]) });
  const error = await decode(await encode('x', other)).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(CantDecrypt);
  expect((error as Error).message).toMatch(/the key "lost", and the keys here are new, old\. .*PAYLOAD_KEYS_FILE/);
});

test.each([
  ['changed in one bit', (data: Uint8Array) => Buffer.from(data).fill((data[20] as number) ^ 1, 20, 21)],
  ['cut', (data: Uint8Array) => data.subarray(0, -1)],
  ['with a tag of 4 bytes', (data: Uint8Array) => data.subarray(0, 16)],
  ['empty', () => new Uint8Array()],
])('a payload %s is refused', async (_, change) => {
  const { metadata, data } = await encode('x');
  await expect(decode({ metadata: metadata!, data: change(data as Uint8Array) })).rejects.toBeInstanceOf(CantDecrypt);
});
