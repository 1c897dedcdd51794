/** The built worker with wrong settings: one clear line, and exit code 2. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';
import { noSettings } from '../support/system.ts';

const WORKER = fileURLToPath(new URL('../../dist/worker.js', import.meta.url));
/** A port that nobody listens on. */
const NOBODY = '127.0.0.1:1';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'worker-'));
  writeFileSync(join(folder, 'file'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function worker(env: Record<string, string>) {
  const one = { BIGCOMMERCE_STORE_HASH: 'abc', BIGCOMMERCE_ACCESS_TOKEN: 'token', TEMPORAL_ADDRESS: NOBODY };
  const program = startProgram(process.execPath, [WORKER], {
    env: { ...noSettings(), ...one, JOB_STORE: `file:${folder}/jobs`, ...env },
  });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

test.each<[Record<string, string>, string]>([
  [
    { BIGCOMMERCE_API_URL: 'foo' },
    'BIGCOMMERCE_API_URL: expected a URL such as https://api.bigcommerce.com, got "foo"',
  ],
  [{ BIGCOMMERCE_API_URL: 'http://example.com' }, 'BIGCOMMERCE_API_URL: expected https'],
  [{ MAX_STORES: '0' }, 'MAX_STORES: expected a whole number from 1 to 1000, got "0"'],
  [{ MAX_STORES: '2.5' }, 'MAX_STORES: expected a whole number from 1 to 1000, got "2.5"'],
  [{ MAX_STORES: 'many' }, 'MAX_STORES: expected a whole number from 1 to 1000, got "many"'],
  [{ QUOTA_RESERVE_PERCENT: '200' }, 'QUOTA_RESERVE_PERCENT: expected a whole number from 0 to 99, got "200"'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: expected one of trace, debug, info, warn, error, got "loud"'],
  [{ JOB_STORE: '/tmp/x' }, 'JOB_STORE: Expected file:./folder, file:///absolute/folder, s3://bucket or s3://bucket/p'],
  [{ JOB_STORE: 's3:bucket' }, 'or s3://bucket/prefix, got "s3:bucket"'],
  [
    { SOURCE_ROOTS: '/tmp' },
    'SOURCE_ROOTS: Expected file:./folder, file:///absolute/folder, s3://bucket or s3://bucket/',
  ],
  [{ BIGCOMMERCE_TOKENS_FILE: '/none' }, 'got BIGCOMMERCE_STORE_HASH and BIGCOMMERCE_ACCESS_TOKEN as well: clear what'],
  [{ BIGCOMMERCE_STORE_HASH: '' }, 'BIGCOMMERCE_STORE_HASH: required, because BIGCOMMERCE_ACCESS_TOKEN is set'],
  [{ BIGCOMMERCE_ACCESS_TOKEN: '' }, 'BIGCOMMERCE_ACCESS_TOKEN: required, because BIGCOMMERCE_STORE_HASH is set'],
  [
    { BIGCOMMERCE_STORE_HASH: '', BIGCOMMERCE_ACCESS_TOKEN: '' },
    'or both BIGCOMMERCE_STORE_HASH and BIGCOMMERCE_ACCESS_TOKEN',
  ],
  [
    { BIGCOMMERCE_STORE_HASH: '', BIGCOMMERCE_ACCESS_TOKEN: '', BIGCOMMERCE_TOKENS_FILE: '/none' },
    'BIGCOMMERCE_TOKENS_FILE: Expected a JSON file',
  ],
  [{ TEMPORAL_TLS: 'yes' }, 'TEMPORAL_TLS: expected true or false, got "yes"\n'],
  [{ METRICS_ADDRESS: 'localhost' }, 'METRICS_ADDRESS: expected an IP address and a port such as 127.0.0.1:9464'],
  [{ HEALTH_ADDRESS: ':8081' }, 'HEALTH_ADDRESS: expected an IP address and a port such as 127.0.0.1:9464'],
  [{ PAYLOAD_KEYS_FILE: '/nonexistent/keys.json' }, "PAYLOAD_KEYS_FILE: Can't read /nonexistent/keys.json: ENOENT."],
  [
    { TEMPORAL_DEPLOYMENT_NAME: 'updates' },
    'TEMPORAL_WORKER_BUILD_ID: required, because TEMPORAL_DEPLOYMENT_NAME is set\n',
  ],
  [{ TEMPORAL_WORKER_BUILD_ID: '7' }, 'TEMPORAL_DEPLOYMENT_NAME: required, because TEMPORAL_WORKER_BUILD_ID is set\n'],
  [
    { TEMPORAL_DEPLOYMENT_NAME: 'updates.eu', TEMPORAL_WORKER_BUILD_ID: '7' },
    'TEMPORAL_DEPLOYMENT_NAME: expected 1 to 255 letters, digits and _ - / @ +, not beginning with __, got "updates.eu"',
  ],
  [
    { TEMPORAL_DEPLOYMENT_NAME: 'updates', TEMPORAL_WORKER_BUILD_ID: '__7' },
    'TEMPORAL_WORKER_BUILD_ID: expected 1 to 255 letters, digits and . _ - : / @ +, not beginning with __, got "__7"',
  ],
  [{ TEMPORAL_ADDRESS: NOBODY }, `No Temporal server answers at ${NOBODY}: connect ECONNREFUSED ${NOBODY}.`],
])('%j is a clear error', async (env, words) => {
  const { code, output } = await worker(env);
  expect(output).toContain(words);
  expect(output).not.toMatch(/^ +at |tonic|"code":/m);
  expect(code).toBe(2);
});

test('so is a job store that can not be written', async () => {
  const { code, output } = await worker({ JOB_STORE: `file:${folder}/file/jobs` });
  expect(output).toMatch(/^JOB_STORE: Can't write .*a part of the path is a file/);
  expect(code).toBe(2);
});

test('before anything else, copies of sources are deleted whose writers were killed more than a day ago', async () => {
  const copies = join(folder, 'jobs/sources/copies/abc/spring');
  mkdirSync(copies, { recursive: true });
  const now = Date.now() / 1_000;
  for (const [name, days] of Object.entries({ old: 1.1, begun: 0.9 })) {
    const path = join(copies, `${name}.csv.0c2c2b1e-0000-4000-8000-000000000000.partial`);
    writeFileSync(path, 'id,notes');
    utimesSync(path, now, now - days * 86_400);
  }
  await worker({});
  expect(readdirSync(copies)).toEqual([expect.stringMatching(/^begun\.csv/)]);
});

const inS3 = {
  JOB_STORE: 's3://bucket/jobs',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'somebody',
  AWS_SECRET_ACCESS_KEY: 'a-secret',
};

test('so is a job store on a server that does not answer', async () => {
  const { code, output } = await worker({ ...inS3, AWS_ENDPOINT_URL_S3: `http://${NOBODY}` });
  expect(output).toMatch(
    /^JOB_STORE: Can't write s3:\/\/bucket\/jobs\/probe-\S+: connect ECONNREFUSED 127\.0\.0\.1:1\. Check the server,/,
  );
  expect(output).not.toMatch(/^ +at |a-secret|Warning/m);
  expect(code).toBe(2);
});

test('so is a job store in S3 in which the worker may do everything but see that a file is missing', async () => {
  const server = createHttpServer((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 403 : 200).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const { code, output } = await worker({ ...inS3, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` });
  server.close();
  expect(output).toMatch(/^JOB_STORE: Can't read s3:.*: .*\. Grant the credentials .*s3:ListBucket/);
  expect(code).toBe(2);
});

test.each(['METRICS_ADDRESS', 'HEALTH_ADDRESS'])('so is a %s that is taken', async (setting) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const { code, output } = await worker({ [setting]: address });
  taken.close();
  expect(output).toMatch(
    new RegExp(`^${setting}: expected a free address of this machine, got 127.*: .*already in use`),
  );
  expect(output).not.toMatch(/^ +at /m);
  expect(code).toBe(2);
});
