import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, keep } from '../../dev/servers/pypi.ts';

const run = promisify(execFile);

/** The folder with the packages of a requirements.txt, for PYTHONPATH; fetched once and kept. Only needs pip. */
export async function pythonPath(requirements: string): Promise<string> {
  const { stdout: version } = await run('python3', ['--version']);
  const what = createHash('sha256')
    .update(version)
    .update(await readFile(requirements));
  const target = join(CACHE, `python-${what.digest('hex').slice(0, 12)}`);
  return keep(target, async (folder) => {
    const packages = join(folder, 'packages');
    const flags = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:'];
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', packages, '-r', requirements]);
    return packages;
  });
}
