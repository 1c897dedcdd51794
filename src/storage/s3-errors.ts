/** What S3, its SDK and the network complain of, in our words. */
import { NoAccess, StorageFailed } from './storage.ts';

/** Fewer or more bytes came than the server had announced. */
export class CutOff extends Error {
  override name = 'CutOff';
  constructor(expected: number, got: number) {
    super(`expected ${expected} bytes, got ${got}`);
  }
}

/** There is no such object. */
export const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(codeOf(error));

/** The object has no byte in the range that was asked for. */
export const isOutOfRange = (error: unknown): boolean => codeOf(error) === 'InvalidRange';

const NEEDED = {
  read: 's3:GetObject, and s3:ListBucket of the bucket, without which S3 does not say that a file is missing',
  write: 's3:PutObject and s3:AbortMultipartUpload',
  delete: 's3:DeleteObject',
};

const WRONG =
  'the credentials are wrong or have expired. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile';
const ELSEWHERE = 'the bucket is in another region. Set AWS_REGION to that one';

// What stays so until a person sees to it.
const NO_ACCESS: Record<string, string> = {
  NoSuchBucket: 'there is no such bucket. Create it, or correct its name',
  KeyTooLongError: 'its name is too long. Give it a shorter one',
  InvalidBucketName: 'a bucket can not have this name. Correct it',
  InvalidAccessKeyId: WRONG,
  SignatureDoesNotMatch: WRONG,
  InvalidToken: WRONG,
  ExpiredToken: WRONG,
  PermanentRedirect: ELSEWHERE,
  AuthorizationHeaderMalformed: ELSEWHERE,
  BadRegion: 'a region has to be set. Set AWS_REGION; servers other than AWS usually take us-east-1',
  ERR_INVALID_URL: 'the address of the server is no URL. Set AWS_ENDPOINT_URL_S3 to one such as https://s3.example.com',
};

const SILENT = 'the server does not answer. Check it, the network, and AWS_ENDPOINT_URL_S3, which tells where it is';
const BROKE = 'the connection broke. Try again';

const FAILED: Record<string, string> = {
  // Not NoAccess: a machine's role is asked for over the network, which may fail once.
  CredentialsProviderError:
    'there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile, or give the machine a role',
  ECONNREFUSED: SILENT,
  EHOSTUNREACH: SILENT,
  ENOTFOUND: SILENT,
  ETIMEDOUT: SILENT,
  TimeoutError: SILENT,
  ECONNRESET: BROKE,
  EPIPE: BROKE,
  CutOff: BROKE,
  PreconditionFailed: 'it changed while it was read. Put a file there only when it is whole',
};

/** What went wrong with the file at `uri`, as StorageFailed or NoAccess. */
export function s3Failed(doing: 'read' | 'write' | 'delete', uri: string, error: unknown): StorageFailed {
  if (error instanceof StorageFailed) return error;
  const code = codeOf(error);
  const forbidden =
    statusOf(error) === 403 ? `the credentials do not allow it. Grant them ${NEEDED[doing]}` : undefined;
  const noAccess = NO_ACCESS[code] ?? forbidden;
  const Failed = noAccess === undefined ? StorageFailed : NoAccess;
  const words = [noAccess ?? FAILED[code], inItsOwnWords(error)].filter(Boolean).join(' ');
  return new Failed(`Can't ${doing} ${uri}: ${words}.`, { cause: error });
}

/** The network's or Node's code, or the name of an error of S3 or the SDK. */
function codeOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  // The SDK gives these no name.
  return /^Region (is missing|not accepted)/.test(message) ? 'BadRegion' : (code ?? name);
}

/** S3's own words may tell who may not do what, or which region it expects. */
function inItsOwnWords(error: unknown): string {
  const code = codeOf(error);
  const message = (error as Error).message.replace(/\.$/, '');
  // The answer to a HEAD has no words.
  if (message === 'UnknownError') return `(HTTP ${statusOf(error)})`;
  return message.includes(code) ? `(${message})` : `(${code}: ${message})`;
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
