/** Programs from Debian's packages without installing them: apt has what no other registry has. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, keep, reason } from './pypi.ts';

const run = promisify(execFile);

/** The path of a package's program, such as `usr/bin/promtool`, in the project's cache, which apt fills. */
export async function fromDebian(name: string, program: string): Promise<string> {
  const kept = join(CACHE, `debian-${program.split('/').at(-1)}-${process.arch}`);
  const fetch = async (folder: string) => {
    const download = () => run('apt-get', ['download', '--quiet', name], { cwd: folder });
    // A fresh machine has no lists yet.
    await download().catch(() => run('apt-get', ['update']).then(download));
    await run('sh', ['-c', 'dpkg --extract ./*.deb .'], { cwd: folder });
    return join(folder, program);
  };
  const say = () => void process.stderr.write(`Fetching ${program} of Debian's package ${name} …\n`);
  return keep(kept, fetch, say).catch((error: unknown) => {
    throw new Error(
      `There is no ${kept}, and Debian's package ${name} could not be fetched by apt-get (${reason(error)}). On Debian ` +
        `run apt-get update as root; elsewhere put its program ${program} there.`,
      { cause: error },
    );
  });
}
