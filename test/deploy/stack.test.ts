/** The commands of Dockerfile, docker-compose.yml and docs/operating.md, run without containers against real servers. */
import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { fromDebian } from '../../dev/servers/debian.ts';
import { startDevServer, type DevServer } from '../../dev/servers/dev-server.ts';
import { freePorts } from '../../dev/servers/ports.ts';
import type { Program } from '../../dev/servers/processes.ts';
import { findWeed, removeSockets } from '../../dev/servers/s3-server.ts';
import { until } from '../support/until.ts';
import {
  compose,
  placesHere,
  runToEnd,
  start,
  type Command,
  type Composed,
  type Here,
  type Service,
} from './compose.ts';
import { build, instructions, ROOT, type Image } from './dockerfile.ts';
import { commands } from './programs.ts';

const run = promisify(execFile);

let folder: string;
/** What the operator's clone has, as far as Compose needs it. */
let clone: string;
let composed: Composed;
let image: Image;
let path: string;
let server: DevServer;
let here: Here;
/** Where a second worker is. */
let beside: Here;
let second: Program;
const running: Program[] = [];
const portsOfS3: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-'));
  await chmod(folder, 0o755);
  clone = join(folder, 'clone');
  for (const name of ['docker-compose.yml', 'ops']) await cp(join(ROOT, name), join(clone, name), { recursive: true });
  const [once, trial] = await documentedCommands();
  await run('sh', ['-euc', `${once}${trial?.replaceAll(/^docker .*$/gm, '')}`], { cwd: clone });
  composed = await compose(clone);

  const [, version] = /^node:([\d.]+)-/.exec((await instructions())[0]?.[1] ?? '') ?? [];
  path = await commands(join(folder, 'bin'), version ?? '');
  await mkdir(join(folder, 'image'), { mode: 0o755 });
  image = await build(join(folder, 'image'), path);
  server = await startDevServer({ ui: false });

  const mounts = join(folder, 'secrets');
  await mkdir(mounts, { mode: 0o755 });
  for (const [name, { file }] of Object.entries(composed.secrets)) await copyFile(file, join(mounts, name));
  const paths: [string, string][] = [
    ['/run/secrets', mounts],
    ['/app/', `${join(image.root, image.workdir)}/`],
    ['/etc/prometheus', join(folder, 'prometheus')],
    ['=/prometheus', `=${join(folder, 'prometheus-data')}`],
  ];
  const temporal = Number(server.address.split(':')[1]);
  here = await placesHere([composed, image, '127.0.0.1:8080'], { '7233': temporal }, paths);
  const { '9464': _, '9465': __, ...shared } = here.ports;
  beside = await placesHere(composed.services['worker'], shared, paths);
}, 600_000);
afterAll(async () => {
  await Promise.all(running.map((program) => program.kill()));
  await removeSockets(portsOfS3);
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The blocks of commands below the heading: those that are run once, and those of a trial. */
async function documentedCommands(): Promise<string[]> {
  const [, section = ''] = (await readFile(join(ROOT, 'docs/operating.md'), 'utf8')).split('## With Docker Compose');
  return Array.from(section.matchAll(/^```sh\n(.*?)^```$/gms), ([, commands = '']) => commands);
}

function service(name: string): Service {
  const found = composed.services[name];
  if (found === undefined) throw new Error(`There is no service ${name}.`);
  return found;
}

/** A service's command, or that of our image, with more arguments. */
function commandOf(name: string, more: readonly string[] = [], at = here): Command {
  const { entrypoint = [], command, environment = {}, image: of } = service(name);
  const ours = of === service('worker').image;
  const words = [...entrypoint, ...(command ?? (ours && entrypoint.length === 0 ? image.cmd : [])), ...more];
  const variables = { ...(ours && image.env), ...environment };
  return {
    argv: [...(ours ? asUser() : []), ...words.map((word) => at.say(word))],
    env: { PATH: path, ...Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, at.say(value)])) },
    ...(ours && { cwd: join(image.root, image.workdir) }),
  };
}

/** Our programs are not root. */
function asUser(): string[] {
  const [user, group] = image.user.split(':');
  if (process.getuid?.() !== 0) return [];
  return ['env', 'HOME=/nonexistent', 'setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'];
}

function up(command: Command): Program {
  const program = start(command);
  running.push(program);
  return program;
}

/** How a health check ends: 0 is healthy. */
async function health(test: string[] = [], at = here): Promise<number | null> {
  const [kind, ...argv] = test;
  if (kind !== 'CMD') throw new Error(`Expected a command, got ${test.join(' ')}.`);
  return (await runToEnd({ argv: argv.map((word) => at.say(word)), env: { PATH: path } })).code;
}
const healthOf = (name: string, at = here) => health(service(name).healthcheck?.test, at);
const healthy = (name: string, at = here) => until(async () => (await healthOf(name, at)) === 0);

test('the image has the programs, nothing for development, and nothing secret', async () => {
  const app = join(image.root, image.workdir);
  expect((await readdir(app)).toSorted()).toEqual(['data', 'dist', 'node_modules', 'package.json']);
  const modules = await readdir(join(app, 'node_modules'));
  for (const name of ['jest', 'typescript', 'prettier', 'yaml']) expect(modules).not.toContain(name);
  expect(await readdir(join(app, 'node_modules/@temporalio/core-bridge/releases'))).toEqual(
    expect.arrayContaining([expect.stringMatching(/-linux-gnu$/)]),
  );
});

test('without development dependencies, npm run starts what was built', async () => {
  const stage = join(folder, 'image/build/app');
  await copyFile(join(ROOT, 'dev/ready.mjs'), join(stage, 'dev/ready.mjs'));
  expect(await run(process.execPath, ['dev/ready.mjs'], { cwd: stage })).toEqual({ stdout: '', stderr: '' });
});

test('what is not up is not healthy', async () => {
  for (const name of ['s3', 'worker', 'codec-server', 'emulator', 'prometheus']) {
    expect([name, (await healthOf(name)) === 0]).toEqual([name, false]);
  }
  expect(await health(image.healthcheck)).toBe(1);
});

test('the S3 server comes up with its bucket', async () => {
  const parts = ['s3.port', 'master.port', 'volume.port', 'filer.port', 'admin.port'];
  const flags = parts.flatMap((part) => [part, `${part}.grpc`]);
  portsOfS3.push(here.ports['8333'] as number, ...(await freePorts(flags.length - 1)));
  const data = join(folder, 's3');
  await mkdir(data);
  const { argv, env } = commandOf('s3', [
    ...['-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-dir=${data}`],
    ...flags.map((flag, index) => `-${flag}=${portsOfS3[index]}`),
  ]);
  // As the entrypoint of the image does.
  const s3 = up({ argv: [await findWeed(), '-logtostderr=true', ...argv], env });
  await s3.waitFor(/created bucket customer-updates/);
  await healthy('s3');
});

test('the namespace is made once, and keeps jobs for 30 days', async () => {
  const { argv, env } = commandOf('temporal-namespace');
  // The dev server has a default one.
  const fresh = { argv: argv.map((word) => word.replaceAll('namespace default', 'namespace fresh')), env };
  expect((await runToEnd(fresh)).code).toBe(0);
  const again = await runToEnd(fresh);
  expect(again.code).toBe(0);
  expect(again.output).toMatch(/720h|2592000s/);
});

test("the Temporal server's queues are polled as often as a fast store takes", async () => {
  const { argv, env } = commandOf('temporal');
  const config = join(folder, 'dynamic-config.yaml');
  const words = argv.map((word) =>
    word.replace('exec /etc/temporal/entrypoint.sh', ': the server').replaceAll('/tmp/dynamic-config.yaml', config),
  );
  expect(await runToEnd({ argv: words, env })).toMatchObject({ code: 0, output: '' });
  expect(service('temporal').environment).toMatchObject({ DYNAMIC_CONFIG_FILE_PATH: '/tmp/dynamic-config.yaml' });
  expect(parse(await readFile(config, 'utf8'))).toEqual({
    'history.transferProcessorMaxPollRPS': [{ value: 2000 }],
    'history.timerProcessorMaxPollRPS': [{ value: 2000 }],
    'history.visibilityProcessorMaxPollRPS': [{ value: 2000 }],
  });
});

test('codec server and emulator come up', async () => {
  up(commandOf('codec-server'));
  up(commandOf('emulator'));
  await healthy('codec-server');
  await healthy('emulator');
});

test('two workers can run side by side', async () => {
  up(commandOf('worker'));
  second = up(commandOf('worker', [], beside));
  await healthy('worker');
  await healthy('worker', beside);
  expect(await health(image.healthcheck)).toBe(0);
  expect(second.output()).toContain('"jobStore":"s3://customer-updates');
});

test('the first job ends', async () => {
  const [, trial = ''] = await documentedCommands();
  const [, words = ''] = /^docker compose run --rm starter (.*)$/m.exec(trial) ?? [];
  const { argv, env } = commandOf('starter', words.split(' '));
  const { code, output } = await runToEnd({ argv, env, cwd: clone });
  expect(output).toMatch(/updated 2/);
  expect(code).toBe(0);
});

test('Prometheus scrapes both workers, and has our alerts', async () => {
  await cp(join(clone, 'ops'), join(folder, 'prometheus'), { recursive: true });
  const file = join(folder, 'prometheus/prometheus.yml');
  await writeFile(file, await scraping(file));
  const program = await fromDebian('prometheus', 'usr/bin/prometheus');
  const { argv, env } = commandOf('prometheus', [`--web.listen-address=${here.say('127.0.0.1:9090')}`]);
  up({ argv: [program, ...argv], env });
  await healthy('prometheus');
  const ask = async (what: string) => (await fetch(`http://${here.say('127.0.0.1:9090')}/api/v1/${what}`)).text();
  const scraped = encodeURIComponent('sum(up{job="customer-updates"}) == 2 and on() temporal_num_pollers');
  await until(async () => (await ask(`query?query=${scraped}`)).includes('"2"'));
  expect(await ask('rules')).toContain('NoWorkerPolls');
});

/** The configuration with the workers' addresses, which Compose's DNS would give. */
async function scraping(file: string): Promise<string> {
  const config = parse(await readFile(file, 'utf8')) as {
    global: Record<string, string>;
    scrape_configs: {
      dns_sd_configs?: { names: string[]; port: number }[];
      static_configs?: { targets: string[] }[];
    }[];
  };
  config.global['scrape_interval'] = '1s';
  for (const scrape of config.scrape_configs) {
    const found = (scrape.dns_sd_configs ?? []).flatMap(({ names, port }) => names.map((name) => `${name}:${port}`));
    delete scrape.dns_sd_configs;
    if (found.length > 0) {
      scrape.static_configs = [{ targets: found.flatMap((target) => [here.say(target), beside.say(target)]) }];
    }
  }
  return stringify(config);
}

test('a worker that is stopped ends well, and is not alive any more', async () => {
  expect(await second.stop()).toBe(0);
  expect(await health(image.healthcheck, beside)).toBe(1);
});

test('without Temporal a worker lives, and is not ready', async () => {
  await server.kill();
  await until(async () => (await healthOf('worker')) === 1);
  expect(await health(image.healthcheck)).toBe(0);
});
