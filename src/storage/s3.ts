import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { CutOff, isMissing, isOutOfRange, s3Failed } from './s3-errors.ts';
import { checkKey, NotFound, type Storage } from './storage.ts';

/** Enough for the network to work in long strides; each file that is being read holds one such piece. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Objects in a bucket of S3, or of a server that speaks its language. Their URIs are plain text, as the AWS tools print them. */
export class S3Storage implements Storage {
  readonly root: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** `prefix` is the folder in the bucket, without a slash at its end; undefined: all of the bucket. */
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
   * Piece by piece, each a request of its own: a reader that is slow, or that reads many files side by side, holds no
   * connection that the server would close or that others wait for. All pieces are of one version of the object.
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
    // What fits into one part is one request. The parts of more go one by one, so that no more than one is in memory.
    const upload = new Upload({ client: this.#client, params: { ...this.#object(key), Body: body }, queueSize: 1 });
    try {
      await upload.done();
    } catch (error) {
      // Only what S3 says is a StorageFailed: what goes wrong in `content` passes as it is.
      throw body.errored ?? s3Failed('write', this.uri(key), error);
    }
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#object(key))).catch((error: unknown) => {
      // S3 doesn't mind, some other servers do.
      if (!isMissing(error)) throw s3Failed('delete', this.uri(key), error);
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

/** S3 answers within a second or so; who is silent for longer than this will not answer any more. */
const CONNECT_MS = 5_000;
const SILENT_MS = 30_000;

let shared: Promise<S3Client> | undefined;

/** This process's client, so that all places share its connections. */
export function s3Client(): Promise<S3Client> {
  return (shared ??= createS3Client());
}

/**
 * A client that is set as all AWS tools are: endpoint, region and credentials by `AWS_*` variables, profiles, or the
 * machine's role. Idle connections don't keep the process.
 */
export async function createS3Client(): Promise<S3Client> {
  const client = new S3Client({
    // Not all other servers know these checksums. Nothing is lost: each request's signature covers its body's SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It costs each part a connection of its own, and with proxies that don't know it six seconds.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENT_MS },
  });
  // AWS has a host name for each bucket, other servers have not: as the AWS command line does it.
  client.config.forcePathStyle = (await client.config.serviceConfiguredEndpoint?.()) !== undefined;
  return client;
}
