import { s3Failed } from '../../src/storage/s3-errors.ts';
import { NoAccess, StorageFailed } from '../../src/storage/storage.ts';

/** An error as the SDK throws it. */
const error = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });
const forbidden = { $metadata: { httpStatusCode: 403 } };

test.each([
  [
    'NoSuchBucket',
    error('NoSuchBucket', 'The specified bucket does not exist.'),
    'NoSuchBucket: The specified bucket does not exist. Create the bucket, or correct the name.',
  ],
  [
    'AccessDenied',
    error('AccessDenied', 'Access Denied', forbidden),
    'AccessDenied: Access Denied. Grant the credentials s3:PutObject and s3:AbortMultipartUpload.',
  ],
  ['403 to a HEAD', error('Unknown', 'UnknownError', forbidden), 'HTTP 403. Grant the credentials s3:PutObject and'],
  [
    'ExpiredToken',
    error('ExpiredToken', 'The provided token has expired.', forbidden),
    'ExpiredToken: The provided token has expired. Set AWS_ACCESS_KEY_ID and',
  ],
  ['PermanentRedirect', error('PermanentRedirect', 'The bucket must be addressed …'), "Set AWS_REGION to the bucket's"],
  [
    'AuthorizationHeaderMalformed',
    error('AuthorizationHeaderMalformed', "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
    "the region 'us-east-1' is wrong; expecting 'eu-west-1'. Set AWS_REGION to the bucket's region;",
  ],
  ['no region', error('Error', 'Region is missing'), 'Region is missing. Set AWS_REGION'],
  [
    'an address that is not a URL',
    error('TypeError', 'Invalid URL', { code: 'ERR_INVALID_URL' }),
    'ERR_INVALID_URL: Invalid URL. Check the server, the network, and AWS_ENDPOINT_URL_S3.',
  ],
])('%s lasts until a person fixes it', (_, cause, words) => {
  const failed = s3Failed('write', 's3://bucket/a', cause);
  expect(failed).toBeInstanceOf(NoAccess);
  expect(failed.message).toMatch(/^Can't write s3:\/\/bucket\/a: .*\.$/);
  expect(failed.message).toContain(words);
  expect(failed.cause).toBe(cause);
});

test.each([
  [
    'a server that is down',
    error('Error', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }),
    'connect ECONNREFUSED 127.0.0.1:1. Check the server, the network, and AWS_ENDPOINT_URL_S3.',
  ],
  [
    'a server that is silent',
    error('TimeoutError', 'the request socket timed out'),
    'TimeoutError: the request socket timed out. Check the server',
  ],
  ['a connection that breaks', error('Error', 'aborted', { code: 'ECONNRESET' }), 'ECONNRESET: aborted.'],
  [
    'missing credentials',
    error('CredentialsProviderError', 'Could not load'),
    'CredentialsProviderError: Could not load. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile, or give',
  ],
  [
    'a change',
    error('PreconditionFailed', 'At least one …'),
    'The file changed while it was being read: put it there only once it is complete.',
  ],
  [
    'anything unknown',
    error('SlowDown', 'Please reduce your request rate.'),
    'SlowDown: Please reduce your request rate.',
  ],
])('%s may pass', (_, cause, words) => {
  const failed = s3Failed('read', 's3://bucket/a', cause);
  expect(failed).toBeInstanceOf(StorageFailed);
  expect(failed).not.toBeInstanceOf(NoAccess);
  expect(failed.message).toContain(words);
});
