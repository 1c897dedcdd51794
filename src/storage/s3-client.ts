import { S3Client } from '@aws-sdk/client-s3';

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
