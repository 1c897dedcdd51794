/** Temporal's own server, as production runs it, built from its Go module, because no registry has it as a program. */
import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, keep, reason } from './pypi.ts';

const run = promisify(execFile);

/** As in docker-compose.yml. */
export const SERVER_VERSION = '1.32.0';
/** The version in its go.mod. */
const GO = '1.26.8';

/**
 * The folder with `temporal-server`, `temporal-sql-tool` and `schema`, as Temporal's images have them in
 * `/etc/temporal`. It is built once, which takes minutes, and kept in the cache. The error says what to install.
 */
export async function findTemporalServer(): Promise<string> {
  const kept = join(CACHE, `temporal-server-${SERVER_VERSION}-${process.platform}-${process.arch}`);
  const say = () => console.error(`Building Temporal's server ${SERVER_VERSION} with Go: six minutes on two cores …`);
  try {
    return await keep(kept, (folder) => build(join(folder, 'built')), say);
  } catch (error) {
    throw new Error(
      `Temporal's server ${SERVER_VERSION} could not be built: ${reason(error)}\n` +
        `Go ${GO} or newer is needed (https://go.dev/dl), or 1.21 or newer if it may download that one; Debian 12's is older.`,
      { cause: error },
    );
  }
}

/** Builds into a new folder, and returns it. */
async function build(folder: string): Promise<string> {
  const module = `go.temporal.io/server@v${SERVER_VERSION}`;
  // The commands are those of its Makefile.
  const settings = { ...process.env, CGO_ENABLED: '0' };
  const { stdout } = await run('go', ['mod', 'download', '-json', module], { env: settings });
  const { Dir: source } = JSON.parse(stdout) as { Dir: string };
  await mkdir(join(folder, 'schema/postgresql'), { recursive: true });
  const programs = { 'temporal-sql-tool': './cmd/tools/sql', 'temporal-server': './cmd/server' };
  for (const [program, path] of Object.entries(programs)) {
    const args = ['go', 'build', '-tags', 'disable_grpc_modules', '-o', join(folder, program), path];
    await run('nice', args, { env: settings, cwd: source, maxBuffer: 2 ** 26 });
  }
  await cp(join(source, 'schema/postgresql/v12'), join(folder, 'schema/postgresql/v12'), { recursive: true });
  // Go's module cache is read-only, but a copy should not be.
  await run('chmod', ['-R', 'u+w', folder]);
  return folder;
}
