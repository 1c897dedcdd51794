/** The job store on S3, against a real server. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import { startS3Server, type S3Server } from '../../dev/servers/s3-server.ts';
import { createS3Client, S3Storage } from '../../src/storage/s3.ts';
import { NoAccess, NotFound, StorageFailed } from '../../src/storage/storage.ts';
import { storageConformance, textOf } from '../storage/conformance.ts';
import { startBreakingProxy, type BreakingProxy } from './breaking-proxy.ts';

const MIB = 1024 * 1024;

let server: S3Server;
let client: S3Client;
const clients: S3Client[] = [];
const proxies: BreakingProxy[] = [];

/** A client that finds these AWS settings and no others. */
async function clientWith(settings: Record<string, string>): Promise<S3Client> {
  for (const name of Object.keys(process.env)) if (/^AWS_(?!SDK_)/.test(name)) delete process.env[name];
  Object.assign(process.env, settings, { AWS_EC2_METADATA_DISABLED: 'true' });
  const made = await createS3Client();
  clients.push(made);
  // It only reads them when it first needs them.
  await Promise.allSettled([made.config.region(), made.config.credentials()]);
  return made;
}

const storageWith = async (settings: Record<string, string>) =>
  new S3Storage(await clientWith({ ...server.env, ...settings }), server.bucket, 'jobs');

async function breaking(bytes: readonly number[]) {
  const proxy = await startBreakingProxy(server.endpoint, bytes);
  proxies.push(proxy);
  return { proxy, storage: await storageWith({ AWS_ENDPOINT_URL_S3: proxy.endpoint }) };
}

beforeAll(async () => {
  server = await startS3Server();
  client = await clientWith(server.env);
});
afterAll(async () => {
  for (const made of clients) made.destroy();
  for (const proxy of proxies) proxy.close();
  await server.close();
});

/** An empty place in the bucket. */
const newStorage = () => new S3Storage(client, server.bucket, `a prefix/${randomUUID()}`);

async function* mebibytes(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(MIB, index);
}

describe('a prefix of a bucket', () => {
  storageConformance(async () => newStorage());
});

test('a whole bucket can be the place', async () => {
  const storage = new S3Storage(client, server.bucket);
  await storage.write('top/ü & ä%20#1?+.csv', ['x']);
  expect(await textOf(storage, 'top/ü & ä%20#1?+.csv')).toBe('x');
  expect(await textOf(new S3Storage(client, server.bucket, 'top'), 'ü & ä%20#1?+.csv')).toBe('x');
});

test('a large file is written and read without being held in memory', async () => {
  const script = `
    import { openStorage } from ${JSON.stringify(new URL('../../dist/storage/open.js', import.meta.url).href)};
    const storage = await openStorage('s3://${server.bucket}/large', '/');
    const before = process.memoryUsage.rss();
    let grown = 0;
    const look = () => {
      grown = Math.max(grown, process.memoryUsage.rss() - before);
    };
    await storage.write('file', (async function* () {
      for (let index = 0; index < 400; index++, look()) yield Buffer.alloc(1024 * 1024, index);
    })());
    let size = 0;
    for await (const piece of storage.read('file')) {
      size += piece.length;
      look();
    }
    console.log(JSON.stringify({ size, grown }));`;
  const child = ['--no-warnings', '--input-type=module', '-e', script];
  const output = execFileSync(process.execPath, child, { env: { ...process.env, ...server.env }, encoding: 'utf8' });
  const { size, grown } = JSON.parse(output) as { size: number; grown: number };
  expect(size).toBe(400 * MIB);
  expect(grown).toBeLessThan(250 * MIB);
});

test('a large file whose content fails halfway leaves nothing, not even a part', async () => {
  const storage = newStorage();
  const uploads = async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
    return Uploads.length;
  };
  const reason = new Error('the source broke off');
  let underWay = 0;
  async function* broken() {
    yield* mebibytes(12);
    underWay = await uploads();
    throw reason;
  }
  await expect(storage.write('large', broken())).rejects.toBe(reason);
  expect(underWay).toBe(1);
  expect(await uploads()).toBe(0);
  expect(await storage.exists('large')).toBe(false);
});

test('reading a file that is being replaced fails, and never mixes old and new content', async () => {
  const storage = newStorage();
  await storage.write('changing', mebibytes(9));
  const reading = storage.read('changing');
  await reading.next();
  await storage.write('changing', mebibytes(10));
  const rest = reading.next();
  await expect(rest).rejects.toThrow(StorageFailed);
  await expect(rest).rejects.toThrow('The file changed while it was being read: put it there only once it is complete');
});

test('many files can be read at once, however slowly', async () => {
  const storage = newStorage();
  const keys = Array.from({ length: 60 }, (_, index) => `file-${index}`);
  await Promise.all(keys.map((key) => storage.write(key, ['x'.repeat(300_000)])));
  const readers = keys.map((key) => storage.read(key));
  const first = await Promise.all(readers.map((reader) => reader.next()));
  expect(first.every(({ value }) => value !== undefined)).toBe(true);
  for (const reader of readers) while (!(await reader.next()).done);
});

test('an answer that breaks off is an error, never a shorter file', async () => {
  await new S3Storage(client, server.bucket, 'jobs').write('cut', mebibytes(6));
  const { storage } = await breaking([5 * MIB]);
  const reading = storage.read('cut');
  expect((await reading.next()).value).toHaveLength(4 * MIB);
  const rest = reading.next();
  await expect(rest).rejects.toThrow(StorageFailed);
  await expect(rest).rejects.toThrow(`Can't read s3://${server.bucket}/jobs/cut: ECONNRESET`);
});

test('so is an answer that ends too early and looks complete', async () => {
  const careless = createServer((_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-999/1000' }).end('short');
  }).listen(0, '127.0.0.1');
  await once(careless, 'listening');
  const { port } = careless.address() as AddressInfo;
  const read = textOf(await storageWith({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` }), 'short');
  await expect(read).rejects.toThrow(StorageFailed);
  await expect(read).rejects.toThrow('CutOff: expected 1000 bytes, got 5.');
  careless.close();
});

test('a request whose connection breaks before the answer is retried', async () => {
  const { storage, proxy } = await breaking([0, Infinity]);
  await storage.write('again', ['x']);
  expect(await textOf(storage, 'again')).toBe('x');
  expect(proxy.connections()).toBe(2);
});

describe('says what to do', () => {
  const secret = 'a-secret-that-nobody-may-read';

  /** The errors of every way to use a place. */
  async function complaints(storage: S3Storage): Promise<Error[]> {
    const doings = [
      storage.write('a', ['x']),
      storage.delete('a'),
      storage.deleteBelow('a'),
      textOf(storage, 'a'),
      storage.exists('a'),
    ];
    const settled = await Promise.allSettled<unknown>(doings);
    return settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  }

  test.each([
    [
      'a secret key that is wrong',
      { AWS_SECRET_ACCESS_KEY: secret },
      4,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ],
    [
      'an access key that does not exist',
      { AWS_ACCESS_KEY_ID: 'nobody' },
      4,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ],
    ['a region that is empty', { AWS_REGION: '' }, 5, "Set AWS_REGION to the bucket's region; servers other than AWS"],
  ])('of %s', async (_, settings, count, words) => {
    const errors = await complaints(await storageWith(settings));
    expect(errors).toHaveLength(5);
    expect(errors.filter(({ message }) => message.includes(words))).toHaveLength(count);
    for (const error of errors) {
      expect(error).toBeInstanceOf(NoAccess);
      expect(error.message).not.toContain(secret);
      expect(error.message).not.toContain(server.env['AWS_SECRET_ACCESS_KEY']);
    }
  });

  test('of credentials that may not write', async () => {
    const storage = await storageWith(server.readerEnv);
    const written = storage.write('a', ['x']);
    await expect(written).rejects.toThrow(NoAccess);
    await expect(written).rejects.toThrow(
      `Can't write s3://${server.bucket}/jobs/a: AccessDenied: Access Denied. Grant the credentials s3:PutObject and`,
    );
    await expect(storage.delete('a')).rejects.toThrow(
      'AccessDenied: Access Denied. Grant the credentials s3:DeleteObject, ',
    );
    await expect(textOf(storage, 'never/was')).rejects.toThrow(NotFound);
  });

  test('of a bucket that does not exist', async () => {
    const storage = new S3Storage(client, 'no-such-bucket', 'jobs');
    const errors = await complaints(storage);
    // The answer to a HEAD, which `exists` sends, doesn't say.
    expect(errors).toHaveLength(4);
    for (const error of errors) {
      expect(error).toBeInstanceOf(NoAccess);
      expect(error.message).toMatch(/s3:\/\/no-such-bucket\/jobs\/a\/?: NoSuchBucket: .*\. Create the bucket, or/);
    }
  });

  test('of missing credentials, which may turn up later', async () => {
    const errors = await complaints(await storageWith({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }));
    expect(errors).toHaveLength(5);
    for (const error of errors) {
      expect(error).not.toBeInstanceOf(NoAccess);
      expect(error.message).toContain('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile');
    }
  });
});
