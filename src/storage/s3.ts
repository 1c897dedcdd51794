import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { CutOff, isMissing, isOutOfRange, isTaken, s3Failed } from './s3-errors.ts';
import { checkKey, NotFound, type Storage } from './storage.ts';

/** Large enough to keep the network busy; every file being read holds one such piece in memory. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Objects deleted at once: as many as the client has connections. */
const DELETES = 50;

/** Objects in a bucket of S3, or of a server that speaks its API. Their URIs are plain text, as in AWS tools. */
export class S3Storage implements Storage {
  readonly root: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** `prefix` is a folder in the bucket, without a trailing slash; undefined for the whole bucket. */
  constructor(client: S3Client, bucket: string, prefix?: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix === undefined ? '' : `${prefix}/`;
    this.root = `s3://${bucket}${prefix === undefined ? '' : `/${prefix}`}`;
  }

  async *read(key: string, check?: (uri: string) => void): AsyncGenerator<Uint8Array> {
    const object = this.#object(key);
    check?.(this.uri(key));
    try {
      yield* this.#pieces(object);
    } catch (error) {
      throw isMissing(error) ? new NotFound(this.uri(key), { cause: error }) : s3Failed('read', this.uri(key), error);
    }
  }

  /**
   * Each piece is a request of its own, so a slow reader, or one of many files at once, holds no connection that the
   * server would close or that others wait for. All pieces are from one version of the object.
   */
  async *#pieces(object: { Bucket: string; Key: string }): AsyncGenerator<Uint8Array> {
    let version: string | undefined;
    for (let first = 0, size = Infinity; first < size;) {
      const range = { Range: `bytes=${first}-${first + PIECE_BYTES - 1}`, IfMatch: version };
      const answer = await this.#client.send(new GetObjectCommand({ ...object, ...range })).catch((error: unknown) => {
        if (!isOutOfRange(error)) throw error;
      });
      // An empty file has no first byte.
      if (answer === undefined) return;
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      size = Number(answer.ContentRange?.split('/')[1] ?? answer.ContentLength);
      const expected = Math.min(PIECE_BYTES, size - first);
      if (bytes.length !== expected) throw new CutOff(expected, bytes.length);
      yield bytes;
      first += bytes.length;
      version = answer.ETag;
    }
  }

  async write(key: string, content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void> {
    const body = Readable.from(content);
    // What fits into one part is one request. Larger files go part by part, so that only one part is in memory.
    const upload = new Upload({ client: this.#client, params: { ...this.#object(key), Body: body }, queueSize: 1 });
    try {
      await upload.done();
    } catch (error) {
      // An error from `content` itself is rethrown unchanged.
      throw body.errored ?? s3Failed('write', this.uri(key), error);
    }
  }

  async writeOnce(key: string, bytes: Uint8Array | string): Promise<boolean> {
    const put = new PutObjectCommand({ ...this.#object(key), Body: bytes, IfNoneMatch: '*' });
    return this.#client.send(put).then(
      () => true,
      (error: unknown) => {
        if (isTaken(error)) return false;
        throw s3Failed('write', this.uri(key), error);
      },
    );
  }

  // An object appears when all of it is there, and a lifecycle rule of the bucket deletes the parts of the others.
  async deleteHalfWritten(): Promise<void> {}

  async delete(key: string): Promise<void> {
    await this.#delete(this.#object(key).Key);
  }

  // One request an object: other servers don't all have DeleteObjects, or want checksums for it that the SDK doesn't
  // send.
  async deleteBelow(folder: string, signal?: AbortSignal): Promise<number> {
    const { Bucket, Key } = this.#object(folder);
    const page = { Bucket, Prefix: `${Key}/`, MaxKeys: DELETES };
    let deleted = 0;
    for (let after: string | undefined; ;) {
      signal?.throwIfAborted();
      const { Contents = [] } = await this.#client
        .send(new ListObjectsV2Command({ ...page, StartAfter: after }))
        .catch((error: unknown) => Promise.reject(s3Failed('delete', `${this.uri(folder)}/`, error)));
      if (Contents.length === 0) return deleted;
      await Promise.all(Contents.map((object) => this.#delete(object.Key as string)));
      deleted += Contents.length;
      after = Contents.at(-1)?.Key;
    }
  }

  async #delete(Key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key })).catch((error: unknown) => {
      // Fine with S3, an error with some other servers.
      if (!isMissing(error)) throw s3Failed('delete', `s3://${this.#bucket}/${Key}`, error);
    });
  }

  async exists(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand(this.#object(key)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw s3Failed('read', this.uri(key), error);
    }
  }

  uri(key: string): string {
    return `${this.root}/${checkKey(key)}`;
  }

  keyOf(uri: string): string | undefined {
    try {
      return uri.startsWith(`${this.root}/`) ? checkKey(uri.slice(this.root.length + 1)) : undefined;
    } catch {
      return undefined;
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + checkKey(key) };
  }
}

/** S3 answers within a second or so: a server that is silent for longer than this won't answer any more. */
const CONNECT_MS = 5_000;
const SILENT_MS = 30_000;

let shared: Promise<S3Client> | undefined;

/** The process's client, so that all places share its connections. */
export function s3Client(): Promise<S3Client> {
  return (shared ??= createS3Client());
}

/**
 * A client that is configured like every AWS tool: endpoint, region and credentials from `AWS_*` variables, profiles,
 * or the machine's role. Idle connections don't keep the process alive.
 */
export async function createS3Client(): Promise<S3Client> {
  const client = new S3Client({
    // Not every other server supports these checksums. Nothing is lost: a request's signature covers its body's
    // SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It would cost every part its own connection, and six seconds with proxies that don't support it.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENT_MS },
  });
  // As the AWS command line does: AWS has a host name for every bucket, other servers don't.
  client.config.forcePathStyle = (await client.config.serviceConfiguredEndpoint?.()) !== undefined;
  return client;
}
