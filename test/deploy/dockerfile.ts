/** Follows the Dockerfile without a container: a stage is a folder, and its commands run in there on this machine. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The user that the image names. */
const USER = '1000';

/** A stage that was built. */
export interface Image {
  /** Of the stage's `FROM`. */
  from: string;
  /** The folder that stands for `/`. */
  root: string;
  workdir: string;
  env: Record<string, string>;
  user: string;
  cmd: string[];
  healthcheck: string[];
}

/** The instructions of the Dockerfile, a line each. */
export async function instructions(): Promise<[instruction: string, rest: string][]> {
  const text = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).replace(/^#.*\n/gm, '').replace(/\s*\\\n\s*/g, ' ');
  return Array.from(text.matchAll(/^([A-Z]+)\s+(.+)$/gm), ([, instruction = '', rest = '']) => [instruction, rest]);
}

/** Copies what .dockerignore lets through, which is all a build sees of this folder. */
async function buildContext(folder: string): Promise<string> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line));
  const [all, ...admitted] = lines;
  if (all !== '*' || admitted.some((line) => !line.startsWith('!'))) {
    throw new Error(`Expected .dockerignore to leave out * and admit !paths only, got ${lines.join(' ')}.`);
  }
  for (const path of admitted.map((line) => line.slice(1))) {
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  return folder;
}

/** Builds the image in `folder` with commands from `path`; resolves to its last stage. Throws a failed command's output. */
export async function build(folder: string, path: string): Promise<Image> {
  const context = await buildContext(join(folder, 'context'));
  const stages = new Map<string, Image>();
  const shell = await shellOf(folder, path);
  let image: Image | undefined;
  for (const [instruction, rest] of await instructions()) {
    if (instruction === 'FROM') {
      const [from = '', , name = 'last'] = rest.split(' ');
      image = { from, root: join(folder, name), workdir: '/', env: {}, user: '', cmd: [], healthcheck: [] };
      stages.set(name, image);
      await mkdir(image.root);
      await chmod(image.root, 0o755);
      continue;
    }
    if (image === undefined) throw new Error(`Expected FROM first, got ${instruction}.`);
    const here = join(image.root, image.workdir);
    if (instruction === 'WORKDIR') {
      image.workdir = rest;
      await mkdir(join(image.root, rest), { recursive: true });
    } else if (instruction === 'ENV') {
      const [, name = '', value = ''] = /^(\w+)=(\S+)$/.exec(rest) ?? [];
      image.env[name] = value;
    } else if (instruction === 'RUN') {
      await shell(rest, here);
    } else if (instruction === 'COPY') {
      const [, stage, paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? [];
      const sources = paths.split(' ');
      const target = sources.pop() ?? '';
      const intoFolder = target.endsWith('/');
      const from = stage === undefined ? context : (stages.get(stage)?.root ?? `no stage ${stage}`);
      for (const source of sources) {
        const to = join(here, target, intoFolder ? basename(source) : '');
        if (intoFolder) await mkdir(join(here, target), { recursive: true });
        // As links, which take a second; copies take half a minute.
        await run('cp', ['--archive', '--link', join(from, source), to]);
      }
    } else if (instruction === 'USER') {
      image.user = rest;
    } else if (instruction === 'CMD') {
      image.cmd = JSON.parse(rest) as string[];
    } else if (instruction === 'HEALTHCHECK') {
      image.healthcheck = ['CMD', ...(JSON.parse(rest.replace(/^.* CMD /, '')) as string[])];
    } else if (instruction !== 'LABEL') {
      throw new Error(`The test does not know how to follow ${instruction}.`);
    }
  }
  return image as Image;
}

/** Runs a command of the build, with apt's state in a folder of its own, and nothing installed by it. */
async function shellOf(folder: string, path: string) {
  const [lists, cache, config] = ['lists', 'cache', 'apt.conf'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const place of [lists, cache]) await mkdir(join(place, 'partial'), { recursive: true });
  const settings = { 'APT::Get::Simulate': 'true', 'Dir::State::lists': lists, 'Dir::Cache': cache };
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  const owner = String(process.getuid?.());
  const names: [string, string][] = [['/var/lib/apt/lists', lists]];
  // Only root may change the owner of a folder.
  if (owner !== '0') names.push([`--owner=${USER} --group=${USER}`, `--owner=${owner}`]);
  return async (command: string, cwd: string) => {
    const here = names.reduce((text, [from, to]) => text.replaceAll(from, to), command);
    // As in the image, which has none of our settings but those of the network.
    const env = { ...network(), PATH: path, HOME: process.env['HOME'], APT_CONFIG: config };
    await run('/bin/sh', ['-c', here], { cwd, env, maxBuffer: 2 ** 26 }).catch((error: unknown) => {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`RUN ${command} failed:\n${stdout}${stderr}`, { cause: error });
    });
  };
}

/** Variables without which some machines have no network. */
function network(): Record<string, string | undefined> {
  const isOne = ([name]: [string, unknown]) => /^(NODE_EXTRA_CA_CERTS|(https?|no)_proxy)$/i.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(isOne));
}
