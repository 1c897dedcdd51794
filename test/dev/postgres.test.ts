import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres } from '../../dev/servers/postgres.ts';

const PROGRAMS = ['postgres', 'initdb', 'pg_ctl', 'psql', 'pg_dump'];
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'find-postgres-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function programs(bin: string, names = PROGRAMS): string {
  mkdirSync(join(folder, bin), { recursive: true });
  for (const name of names) {
    writeFileSync(join(folder, bin, name), '');
    chmodSync(join(folder, bin, name), 0o755);
  }
  return join(folder, bin);
}

/** Where PostgreSQL is found with this on the PATH. */
const find = (path: string) => findPostgres({ PATH: path }, join(folder, 'debian'));

test('PostgreSQL is found on the PATH first of all', async () => {
  programs('debian/15/bin');
  expect(await find(`/nonexistent:${programs('bin')}`)).toBe(join(folder, 'bin'));
});

test('else the newest of Debian, whose psql alone is on the PATH', async () => {
  for (const version of ['9', '15', '17']) programs(`debian/${version}/bin`);
  // Its client only.
  programs('debian/18/bin', ['psql']);
  expect(await find(programs('bin', ['psql']))).toBe(join(folder, 'debian/17/bin'));
});

test('or the error says where it was looked for, and what to install', async () => {
  await expect(find(folder)).rejects.toThrow(
    `No PostgreSQL was found, neither on the PATH nor in ${folder}/debian/*/bin: postgres, initdb, pg_ctl, psql, pg_dump are needed. ` +
      'Install it (Debian, Ubuntu: apt-get install postgresql).',
  );
});
