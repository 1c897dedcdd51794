import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { freePorts } from '../../dev/servers/ports.ts';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { encryptionCodec } from '../../src/payloads/codec.ts';
import { readPayloadKeys } from '../../src/payloads/keys.ts';
import { startCodecServer, writePayloadKeys } from '../support/codec-server.ts';
import { noSettings } from '../support/system.ts';

const TOKEN = 'token-of-the-codec-server';
const UI = 'https://temporal.example.com';
let folder: string;
let keysFile: string;
let server: Program;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codec-server-'));
  keysFile = await writePayloadKeys(join(folder, 'keys.json'));
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  server = await startCodecServer(port, { PAYLOAD_KEYS_FILE: keysFile, CODEC_ORIGINS: UI, CODEC_TOKEN: TOKEN });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
const json = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
  data: base64(data),
});
const plain = json(defaultPayloadConverter.toPayload<unknown>({ notes: 'confidential' }));
const body = JSON.stringify({ payloads: [plain] });
const bearer = { authorization: `Bearer ${TOKEN}` };

const post = (path: string, headers: Record<string, string>, content = body) =>
  fetch(url + path, { method: 'POST', headers, body: content });

test('what it encodes is encrypted as our programs do it, and it decodes that', async () => {
  const encoded = await (await post('/encode', bearer)).text();
  expect(encoded).toContain(Buffer.from('binary/encrypted').toString('base64'));
  const decoded = await post('/default/decode', bearer, encoded);
  expect(await decoded.json()).toEqual({ payloads: [plain] });
});

test('a payload whose key it lacks stays as it is, and the others are decoded', async () => {
  const other = encryptionCodec(await readPayloadKeys(await writePayloadKeys(join(folder, 'other.json'), 'lost')));
  const [lost] = await other.encode([defaultPayloadConverter.toPayload<unknown>(1)]);
  const response = await post('/decode', bearer, JSON.stringify({ payloads: [json(lost as Payload), plain] }));
  expect(await response.json()).toEqual({ payloads: [json(lost as Payload), plain] });
});

test.each<[string, Record<string, string>, number]>([
  ['without a token', {}, 401],
  ['with another token', { authorization: 'Bearer token-of-the-codec-serve' }, 401],
  ['from a page of another origin, even with the token', { ...bearer, origin: 'https://evil.example' }, 403],
  ['with the cookie alone, as no page of the Web UI asks', { cookie: `codec-token=${TOKEN}` }, 401],
  ['with a body that is none', { ...bearer, 'content-type': 'application/json' }, 400],
])('a request %s is refused', async (_, headers, status) => {
  const response = await post('/decode', headers, status === 400 ? '{"payloads": 7}' : body);
  expect(response.status).toBe(status);
  expect(JSON.stringify(await response.json())).not.toContain(TOKEN);
});

test('a body of more than 16 MiB is refused', async () => {
  const response = await post('/decode', bearer, 'x'.repeat(17 * 1024 * 1024)).catch(() => undefined);
  expect(response?.status ?? 413).toBe(413);
  expect((await post('/decode', bearer)).status).toBe(200);
});

test('a browser that was given the token decodes for pages of the Web UI', async () => {
  const wrong = await fetch(`${url}/`, { method: 'POST', body: new URLSearchParams({ token: 'guess' }) });
  expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
  const given = await fetch(`${url}/`, { method: 'POST', body: new URLSearchParams({ token: TOKEN }) });
  const cookie = given.headers.get('set-cookie')?.split(';')[0] ?? '';
  const preflight = await fetch(`${url}/decode`, {
    method: 'OPTIONS',
    headers: { origin: UI, 'access-control-request-headers': 'content-type,x-namespace' },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,x-namespace');
  const response = await post('/decode', { cookie, origin: UI });
  expect(response.headers.get('access-control-allow-origin')).toBe(UI);
  expect(response.headers.get('access-control-allow-credentials')).toBe('true');
  expect(await response.json()).toEqual({ payloads: [plain] });
});

test.each([
  [{ CODEC_TOKEN: '' }, /^CODEC_TOKEN: expected text of at least 16 characters/],
  [{ CODEC_TOKEN: 'short-secret' }, /^CODEC_TOKEN: expected at least 16 characters$/m],
  [{ PAYLOAD_KEYS_FILE: '' }, /^PAYLOAD_KEYS_FILE: expected the file of keys/],
  [{ PAYLOAD_KEYS_FILE: '/nonexistent' }, /^Can't read \/nonexistent: ENOENT/],
])('%j is a clear error', async (settings, words) => {
  const env = { ...noSettings(), PAYLOAD_KEYS_FILE: keysFile, CODEC_TOKEN: TOKEN, ...settings };
  const program = startProgram(process.execPath, ['dist/codec-server.js'], { env });
  expect((await program.exited).code).toBe(2);
  expect(program.output()).toMatch(words);
  expect(program.output()).not.toContain('short-secret');
});
