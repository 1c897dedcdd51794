/** Errors of S3, its SDK and the network, as the job's operator has to understand them. */
import { NoAccess, StorageFailed } from './storage.ts';

/** The server sent fewer or more bytes than it had announced. */
export class CutOff extends Error {
  override name = 'CutOff';
  constructor(expected: number, got: number) {
    super(`expected ${expected} bytes, got ${got}`);
  }
}

export const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(codeOf(error));

/** The object has no bytes in the requested range. */
export const isOutOfRange = (error: unknown): boolean => codeOf(error) === 'InvalidRange';

/** There is an object already, and none was to be replaced. */
export const isTaken = (error: unknown): boolean => codeOf(error) === 'PreconditionFailed';

const NEEDED = {
  read: 's3:GetObject, and s3:ListBucket on the bucket, without which S3 does not say that a file is missing',
  write: 's3:PutObject and s3:AbortMultipartUpload',
  delete: 's3:DeleteObject, and s3:ListBucket on the bucket',
};

const CREDENTIALS = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile, or give the machine a role';
const REGION = "Set AWS_REGION to the bucket's region; servers other than AWS usually take us-east-1";
const ENDPOINT = 'Check the server, the network, and AWS_ENDPOINT_URL_S3';

/** By codes of errors: NoAccess if they last until a person fixes them, and what to do. */
const KINDS: [codes: string, Failed: typeof StorageFailed, advice: string][] = [
  ['NoSuchBucket InvalidBucketName KeyTooLongError', NoAccess, 'Create the bucket, or correct the name'],
  ['InvalidAccessKeyId SignatureDoesNotMatch InvalidToken ExpiredToken', NoAccess, CREDENTIALS],
  // A machine's role is fetched over the network, which may fail once.
  ['CredentialsProviderError', StorageFailed, CREDENTIALS],
  ['PermanentRedirect AuthorizationHeaderMalformed BadRegion', NoAccess, REGION],
  ['ERR_INVALID_URL', NoAccess, ENDPOINT],
  ['ECONNREFUSED EHOSTUNREACH ENOTFOUND ETIMEDOUT TimeoutError', StorageFailed, ENDPOINT],
  [
    'PreconditionFailed',
    StorageFailed,
    'The file changed while it was being read: put it there only once it is complete',
  ],
];

export function s3Failed(doing: 'read' | 'write' | 'delete', uri: string, error: unknown): StorageFailed {
  if (error instanceof StorageFailed) return error;
  const kind = KINDS.find(([codes]) => codes.split(' ').includes(codeOf(error)));
  const forbidden = statusOf(error) === 403 ? `Grant the credentials ${NEEDED[doing]}` : undefined;
  const [, Failed, advice] = kind ?? ['', forbidden ? NoAccess : StorageFailed, forbidden];
  const message = `Can't ${doing} ${uri}: ${inItsOwnWords(error)}.${advice ? ` ${advice}.` : ''}`;
  return new Failed(message, { cause: error });
}

/** The network's or Node's code, or the name of an error of S3 or the SDK. */
function codeOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  // The SDK gives these no name.
  return /^Region (is missing|not accepted)/.test(message) ? 'BadRegion' : (code ?? name);
}

/** S3's own words may say who may not do what, or which region it expects. */
function inItsOwnWords(error: unknown): string {
  const code = codeOf(error);
  const message = (error as Error).message.replace(/\.$/, '');
  // The answer to a HEAD has no words.
  if (message === 'UnknownError') return `HTTP ${statusOf(error)}`;
  return message.includes(code) ? message : `${code}: ${message}`;
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
