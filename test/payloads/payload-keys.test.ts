import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadPayloadKeys, readPayloadKeys } from '../../src/payloads/keys.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'payload-keys-'))));
afterAll(() => rm(folder, { recursive: true }));

const key = randomBytes(32).toString('base64');

async function read(content: unknown): ReturnType<typeof readPayloadKeys> {
  const path = join(folder, 'keys.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return readPayloadKeys(path);
}

test('a file gives its keys, and the one to encrypt with', async () => {
  const { encryptWith, keys } = await read({ encryptWith: 'b', keys: { a: key, b: key } });
  expect(encryptWith).toBe('b');
  expect([...keys.keys()]).toEqual(['a', 'b']);
  expect(keys.get('a')).toHaveLength(32);
});

test.each([
  ['no JSON', `{"keys": {"a": "${key}"`, /Expected JSON in .*keys\.json/],
  ['a list', [key], /Expected an object with encryptWith and keys/],
  ['a short key', { encryptWith: 'a', keys: { a: key.slice(8) } }, /Expected keys\.a: 32 bytes in base64, as `openssl/],
  ['a key that is none', { encryptWith: 'a', keys: { a: 7 } }, /Expected keys\.a: 32 bytes/],
  ['no key to encrypt with', { encryptWith: 'c', keys: { a: key } }, /a key of the id that encryptWith names \(c\)/],
  ['a name of every object', { encryptWith: 'toString', keys: { a: key } }, /encryptWith names \(toString\)/],
  ['an id that is none', { encryptWith: 'a b', keys: { 'a b': key } }, /Expected/],
  ['nothing to encrypt with', { keys: { a: key } }, /Expected encryptWith: the id of one of the keys/],
])('a file with %s is refused, and no key is told', async (_, content, message) => {
  const error = await read(content).catch((error: unknown) => error as Error);
  expect(error).toBeInstanceOf(BadPayloadKeys);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain(key.slice(8, 20));
});

test('a file that is not there is named', async () => {
  await expect(readPayloadKeys(join(folder, 'none.json'))).rejects.toThrow(/Can't read .*none\.json: ENOENT/);
});
