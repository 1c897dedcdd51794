import { s3Failed } from '../../src/storage/s3-errors.ts';
import { NoAccess, StorageFailed } from '../../src/storage/storage.ts';

/** An error as the SDK throws it. */
const error = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });
const forbidden = { $metadata: { httpStatusCode: 403 } };

test.each([
  ['NoSuchBucket', error('NoSuchBucket', 'The specified bucket does not exist.'), 'there is no such bucket. Create it'],
  ['AccessDenied', error('AccessDenied', 'Access Denied', forbidden), 'Grant them s3:PutObject and s3:AbortMultipart'],
  ['403 to a HEAD', error('Unknown', 'UnknownError', forbidden), 's3:AbortMultipartUpload (HTTP 403).'],
  [
    'ExpiredToken',
    error('ExpiredToken', 'The provided token has expired.', forbidden),
    'are wrong or have expired. Set',
  ],
  [
    'PermanentRedirect',
    error('PermanentRedirect', 'The bucket must be addressed …'),
    'in another region. Set AWS_REGION',
  ],
  [
    'AuthorizationHeaderMalformed',
    error('AuthorizationHeaderMalformed', "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
    "Set AWS_REGION to that one (AuthorizationHeaderMalformed: the region 'us-east-1' is wrong; expecting 'eu-west-1').",
  ],
  ['no region', error('Error', 'Region is missing'), 'a region has to be set. Set AWS_REGION'],
  [
    'an address that is none',
    error('TypeError', 'Invalid URL', { code: 'ERR_INVALID_URL' }),
    'AWS_ENDPOINT_URL_S3 to one',
  ],
])('%s stays until a person sees to it', (_, cause, words) => {
  const failed = s3Failed('write', 's3://bucket/a', cause);
  expect(failed).toBeInstanceOf(NoAccess);
  expect(failed.message).toMatch(/^Can't write s3:\/\/bucket\/a: .*\)\.$/);
  expect(failed.message).toContain(words);
  expect(failed.cause).toBe(cause);
});

test.each([
  [
    'a server that is down',
    error('Error', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }),
    'the server does not answer. Check it, the network, and AWS_ENDPOINT_URL_S3, which tells where it is (connect ECONN',
  ],
  [
    'a server that is silent',
    error('TimeoutError', 'the request socket timed out'),
    'the server does not answer. Check it',
  ],
  [
    'a connection that breaks',
    error('Error', 'aborted', { code: 'ECONNRESET' }),
    'the connection broke. Try again (ECONN',
  ],
  [
    'missing credentials',
    error('CredentialsProviderError', 'Could not load'),
    'there are no credentials. Set AWS_ACCESS',
  ],
  [
    'a change',
    error('PreconditionFailed', 'At least one …'),
    'it changed while it was read. Put a file there only when',
  ],
  [
    'what nobody knows',
    error('SlowDown', 'Please reduce your request rate.'),
    'a: (SlowDown: Please reduce your request rate).',
  ],
])('%s may pass', (_, cause, words) => {
  const failed = s3Failed('read', 's3://bucket/a', cause);
  expect(failed).toBeInstanceOf(StorageFailed);
  expect(failed).not.toBeInstanceOf(NoAccess);
  expect(failed.message).toContain(words);
});
