import fsPromises, { appendFile, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorage } from '../../src/storage/file.ts';
import { NoAccess, StorageFailed } from '../../src/storage/storage.ts';
import { storageConformance, textOf } from './conformance.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-'));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

storageConformance(async () => new FileStorage(join(folder, 'store')));

test('lets nobody else into folders and files, whatever the umask', async () => {
  const before = process.umask(0);
  try {
    await new FileStorage(join(folder, 'store')).write('a/b/c.csv', ['x']);
  } finally {
    process.umask(before);
  }
  const mode = async (path: string) => (await stat(join(folder, path))).mode & 0o777;
  expect(await Promise.all(['store', 'store/a', 'store/a/b'].map(mode))).toEqual([0o700, 0o700, 0o700]);
  expect(await mode('store/a/b/c.csv')).toBe(0o600);
});

function failWrites(code: string) {
  const { open } = fsPromises;
  jest.spyOn(fsPromises, 'open').mockImplementation(async (...args) => {
    const file = await open(...args);
    file.writeFile = () => Promise.reject(Object.assign(new Error(code), { code }));
    return file;
  });
}

test('says on a full disk what to do, and leaves nothing half written', async () => {
  const storage = new FileStorage(folder);
  await storage.write('a/kept', ['before']);
  failWrites('ENOSPC');
  const written = storage.write('a/kept', ['after']);
  await expect(written).rejects.toThrow(StorageFailed);
  await expect(written).rejects.toThrow(`Can't write ${folder}/a/kept: the disk is full. Free some space`);
  expect(await readdir(join(folder, 'a'))).toEqual(['kept']);
  expect(await textOf(storage, 'a/kept')).toBe('before');
});

test('says on a read-only disk what to do', async () => {
  failWrites('EROFS');
  const written = new FileStorage(folder).write('a', ['x']);
  await expect(written).rejects.toThrow(NoAccess);
  await expect(written).rejects.toThrow(`Can't write ${folder}/a: the disk is mounted read-only. Mount it for writing`);
  expect(await readdir(folder)).toEqual([]);
});

test('leaves nothing half written when the content fails', async () => {
  async function* broken() {
    yield 'half';
    throw new Error('broken');
  }
  await expect(new FileStorage(folder).write('a', broken())).rejects.toThrow('broken');
  expect(await readdir(folder)).toEqual([]);
});

test('follows no link that leads out, and any that stays inside', async () => {
  const storage = new FileStorage(join(folder, 'store'));
  await storage.write('real', ['inside']);
  await writeFile(join(folder, 'secret'), 'outside');
  await symlink(join(folder, 'secret'), join(folder, 'store/file-link'));
  await symlink(folder, join(folder, 'store/folder-link'));
  await symlink('real', join(folder, 'store/inner-link'));
  for (const key of ['file-link', 'folder-link/secret']) {
    await expect(textOf(storage, key)).rejects.toThrow(NoAccess);
    await expect(textOf(storage, key)).rejects.toThrow(`a link that leads out of ${folder}/store`);
    await expect(storage.exists(key)).rejects.toThrow(NoAccess);
  }
  expect(await textOf(storage, 'inner-link')).toBe('inside');
});

test('may itself be reached by a link', async () => {
  await mkdir(join(folder, 'real'));
  await symlink(join(folder, 'real'), join(folder, 'link'));
  const storage = new FileStorage(join(folder, 'link'));
  await storage.write('a', ['x']);
  expect(await textOf(storage, 'a')).toBe('x');
});

test('says that a folder is not a file', async () => {
  await mkdir(join(folder, 'a'));
  await expect(textOf(new FileStorage(folder), 'a')).rejects.toThrow('it is a folder. Name a file (EISDIR)');
});

test('says that a file changed while it was read, and that a part of a path is a file', async () => {
  const storage = new FileStorage(folder);
  await storage.write('growing', ['x'.repeat(1_000_000)]);
  const reading = storage.read('growing');
  await reading.next();
  await appendFile(join(folder, 'growing'), 'more');
  const rest = async () => {
    for await (const _ of reading);
  };
  await expect(rest()).rejects.toThrow('growing changed while it was read');
  await expect(storage.write('growing/inside', ['x'])).rejects.toThrow('a part of the path is a file');
});

test.each(['%2e%2e/outside/a', 'x/%2e%2e/%2e%2e/a', 'x%2F..%2F..%2Fa', 'a%00b', 'a%5Cb', 'a?b', 'a#b'])(
  'finds no key for the URI …/%s, which leads out or nowhere',
  (rest) => {
    expect(new FileStorage('/store').keyOf(`file:///store/${rest}`)).toBeUndefined();
  },
);
