/** The manifests for Kubernetes: built by kustomize, read as the API reads them, and compared with the rest of the project. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { instructions, ROOT } from './dockerfile.ts';

const run = promisify(execFile);

interface Probe {
  httpGet: { path: string; port: string };
}
interface Container {
  image: string;
  env: { name: string; value: string }[];
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  ports: { name: string; containerPort: number }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  volumeMounts: { name: string; mountPath: string }[];
}
interface Pod {
  containers: [Container];
  volumes: { name: string; secret: { secretName: string } }[];
  terminationGracePeriodSeconds: number;
  securityContext: { runAsUser: number };
}
/** What the tests look at of any of the objects. */
interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  data?: Record<string, string>;
  spec?: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    maxUnavailable: number;
    template: { metadata: Required<Manifest['metadata']>; spec: Pod };
  };
}

const SECRETS = {
  'credentials.env': 'TEMPORAL_API_KEY=key\nAWS_ACCESS_KEY_ID=id\nAWS_SECRET_ACCESS_KEY=secret\n',
  'tokens.json': '{"abc123": "token"}',
  'payload-keys.json': '{}',
};

let folder: string;
let manifests: Manifest[];

/** Builds and checks the manifests in the folder. */
async function build(): Promise<Manifest[]> {
  const { stdout } = await run('go', ['run', '.', folder], { cwd: join(ROOT, 'test/deploy/kubernetes') });
  return JSON.parse(stdout) as Manifest[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubernetes-'));
  await cp(join(ROOT, 'ops/kubernetes'), folder, { recursive: true, filter: (path) => !path.endsWith('/secrets') });
  await mkdir(join(folder, 'secrets'));
  for (const [name, text] of Object.entries(SECRETS)) await writeFile(join(folder, 'secrets', name), text);
  manifests = await build();
});
afterAll(() => rm(folder, { recursive: true }));

const named = (kind: string, name = '') =>
  manifests.filter(({ kind: is, metadata }) => is === kind && metadata.name.startsWith(name))[0] as Manifest;
const deployment = () => named('Deployment').spec as NonNullable<Manifest['spec']>;
const pod = () => deployment().template.spec;
const container = () => pod().containers[0];
const setting = (name: string) => container().env.find((variable) => variable.name === name)?.value ?? '';

test('all of them are in one namespace, whose pods are restricted', () => {
  const { metadata } = named('Namespace');
  expect(metadata.labels).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  for (const { kind, metadata: other } of manifests) {
    expect([kind, other.namespace ?? metadata.name]).toEqual([kind, metadata.name]);
  }
});

test.each([
  ['a field that does not exist', /gracePeriod/, 'terminationGracePeriodSeconds', 'gracePeriodSeconds'],
  ['a number that is a text', /replicas/, 'replicas: 2', "replicas: 'two'"],
])('%s would be found', async (_, error, from, to) => {
  const path = join(folder, 'worker.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(from, to));
  await expect(build()).rejects.toThrow(error);
  await writeFile(path, text);
});

test('a drained node takes one worker, and two are on two machines', () => {
  const { selector, maxUnavailable } = named('PodDisruptionBudget').spec as NonNullable<Manifest['spec']>;
  const { replicas, selector: ofWorkers, template } = deployment();
  expect([replicas, maxUnavailable]).toEqual([2, 1]);
  expect(selector).toEqual(ofWorkers);
  expect(template.metadata.labels).toMatchObject(selector.matchLabels);
});

test('the worker has the time to stop that the docs ask for, and the memory', async () => {
  const operating = await readFile(join(ROOT, 'docs/operating.md'), 'utf8');
  expect(operating).toContain(`terminationGracePeriodSeconds: ${pod().terminationGracePeriodSeconds}`);
  const sizing = await readFile(join(ROOT, 'docs/sizing.md'), 'utf8');
  const { requests, limits } = container().resources;
  expect(limits['memory']).toBe(requests['memory']);
  expect(sizing).toContain(`Give it ${limits['memory']?.replace('Gi', ' GiB')}`);
});

test('probes and Prometheus ask where the worker answers', async () => {
  const { ports, livenessProbe, readinessProbe } = container();
  const port = (name: string) => ports.find((port) => port.name === name)?.containerPort;
  expect(setting('HEALTH_ADDRESS')).toBe(`0.0.0.0:${port('health')}`);
  expect(setting('METRICS_ADDRESS')).toBe(`0.0.0.0:${port('metrics')}`);
  expect(livenessProbe.httpGet).toMatchObject({ path: '/live', port: 'health' });
  expect(readinessProbe.httpGet).toMatchObject({ path: '/ready', port: 'health' });
  expect(deployment().template.metadata.annotations).toEqual({
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': `${port('metrics')}`,
    'prometheus.io/path': '/metrics',
  });
});

test('tokens and keys are secrets, where the worker looks for them', () => {
  const { volumeMounts } = container();
  for (const [name, file] of Object.entries({
    BIGCOMMERCE_TOKENS_FILE: 'tokens.json',
    PAYLOAD_KEYS_FILE: 'payload-keys.json',
  })) {
    const mount = volumeMounts.find(({ mountPath }) => setting(name) === `${mountPath}/${file}`);
    const { secretName = '' } = pod().volumes.find((volume) => volume.name === mount?.name)?.secret ?? {};
    expect(Object.keys(named('Secret', secretName).data ?? {})).toEqual([file]);
  }
});

test('each setting is one that the worker has', async () => {
  const example = await readFile(join(ROOT, '.env.example'), 'utf8');
  const sources = container().envFrom.map(({ configMapRef, secretRef }) =>
    configMapRef ? named('ConfigMap', configMapRef.name) : named('Secret', secretRef?.name),
  );
  const settings = [
    ...container().env.map(({ name }) => name),
    ...sources.flatMap(({ data }) => Object.keys(data ?? {})),
  ];
  expect(settings.length).toBeGreaterThan(8);
  for (const name of settings) expect(example).toMatch(new RegExp(`^#${name}=`, 'm'));
});

test('the image runs as the user that it is made for', async () => {
  const [, user] = (await instructions()).findLast(([name]) => name === 'USER') ?? [];
  expect(user).toBe(`${pod().securityContext.runAsUser}:1000`);
});

test('each command of the docs for them is there', async () => {
  const operating = await readFile(join(ROOT, 'docs/operating.md'), 'utf8');
  const [, section = ''] = operating.split('\n## On Kubernetes\n');
  for (const name of Object.keys(SECRETS)) expect(section).toContain(`ops/kubernetes/secrets/${name}`);
  expect(section).toContain('kubectl apply --kustomize ops/kubernetes');
});
