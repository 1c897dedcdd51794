import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fsPromises, {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorage } from '../../src/storage/file.ts';
import { NoAccess, StorageFailed } from '../../src/storage/storage.ts';
import { storageConformance, textOf } from './conformance.ts';
import { killWhileWriting } from './kill-while-writing.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-'));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

storageConformance(async () => new FileStorage(join(folder, 'store')));

test('gives nobody else access to folders and files, whatever the umask', async () => {
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

test('says what to do about a full disk, and leaves nothing half-written', async () => {
  const storage = new FileStorage(folder);
  await storage.write('a/kept', ['before']);
  failWrites('ENOSPC');
  const written = storage.write('a/kept', ['after']);
  await expect(written).rejects.toThrow(StorageFailed);
  await expect(written).rejects.toThrow(`Can't write ${folder}/a/kept: the disk is full. Free some space`);
  expect(await readdir(join(folder, 'a'))).toEqual(['kept']);
  expect(await textOf(storage, 'a/kept')).toBe('before');
});

test('says what to do about a read-only disk', async () => {
  failWrites('EROFS');
  const written = new FileStorage(folder).write('a', ['x']);
  await expect(written).rejects.toThrow(NoAccess);
  await expect(written).rejects.toThrow(`Can't write ${folder}/a: the disk is mounted read-only. Mount it for writing`);
  expect(await readdir(folder)).toEqual([]);
});

test('leaves nothing half-written when the content fails', async () => {
  async function* broken() {
    yield 'half';
    throw new Error('broken');
  }
  await expect(new FileStorage(folder).write('a', broken())).rejects.toThrow('broken');
  expect(await readdir(folder)).toEqual([]);
});

test('follows links that stay inside, and none that leads out', async () => {
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

test('may itself be behind a link', async () => {
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

test('reports that a file changed while it was being read, and that a part of a path is a file', async () => {
  const storage = new FileStorage(folder);
  await storage.write('growing', ['x'.repeat(1_000_000)]);
  const reading = storage.read('growing');
  await reading.next();
  await appendFile(join(folder, 'growing'), 'more');
  const rest = async () => {
    for await (const _ of reading);
  };
  await expect(rest()).rejects.toThrow('growing changed while it was being read');
  await expect(storage.write('growing/inside', ['x'])).rejects.toThrow('a part of the path is a file');
});

describe('anything but a plain file is rejected at once', () => {
  test('a pipe that nobody writes to', async () => {
    expect(spawnSync('mkfifo', [join(folder, 'pipe.csv')]).status).toBe(0);
    await expect(textOf(new FileStorage(folder), 'pipe.csv')).rejects.toThrow(NoAccess);
    await expect(textOf(new FileStorage(folder), 'pipe.csv')).rejects.toThrow('it is a pipe, a socket or a device');
  });

  test('a socket', async () => {
    const server = createServer().listen(join(folder, 'socket.csv'));
    await once(server, 'listening');
    await expect(textOf(new FileStorage(folder), 'socket.csv')).rejects.toThrow('it is a pipe, a socket or a device');
    server.close();
  });

  test.each(['/dev/zero', '/dev/null'])('the device %s', async (device) => {
    await symlink(device, join(folder, 'device.csv'));
    const storage = new FileStorage('/dev');
    await expect(textOf(storage, device.slice(5))).rejects.toThrow(NoAccess);
    await expect(textOf(new FileStorage(folder), 'device.csv')).rejects.toThrow(NoAccess);
  });

  test('a file of /proc, which has no length, reads as empty and not as endless', async () => {
    if (process.platform !== 'linux') return;
    expect(await textOf(new FileStorage('/proc/self'), 'maps')).toBe('');
  });

  test('a link to itself, and a path that is too long', async () => {
    await symlink('loop.csv', join(folder, 'loop.csv'));
    await expect(textOf(new FileStorage(folder), 'loop.csv')).rejects.toThrow(NoAccess);
    await expect(textOf(new FileStorage(folder), `${'x'.repeat(300)}.csv`)).rejects.toThrow(NoAccess);
  });
});

test('follows no link that appears between the check and the opening', async () => {
  const storage = new FileStorage(join(folder, 'store'));
  await storage.write('a/file', ['inside']);
  await mkdir(join(folder, 'outside'));
  await writeFile(join(folder, 'outside/file'), 'secret');
  const { open } = fsPromises;
  jest.spyOn(fsPromises, 'open').mockImplementationOnce(async (...args) => {
    await rename(join(folder, 'store/a'), join(folder, 'store/b'));
    await symlink(join(folder, 'outside'), join(folder, 'store/a'));
    return open(...args);
  });
  await expect(textOf(storage, 'a/file')).rejects.toThrow('a link that leads out');

  await storage.write('c', ['inside']);
  jest.spyOn(fsPromises, 'open').mockImplementationOnce(async (...args) => {
    await rm(join(folder, 'store/c'));
    await symlink(join(folder, 'outside/file'), join(folder, 'store/c'));
    return open(...args);
  });
  await expect(textOf(storage, 'c')).rejects.toThrow(NoAccess);
});

test('writes and deletes nothing through a link', async () => {
  const storage = new FileStorage(join(folder, 'store'));
  await storage.write('theirs/file', ['kept']);
  await symlink('theirs', join(folder, 'store/mine'));
  await symlink(folder, join(folder, 'store/out'));
  for (const key of ['mine/file', 'out/file']) {
    await expect(storage.delete(key)).rejects.toThrow(NoAccess);
    await expect(storage.write(key, ['x'])).rejects.toThrow('a folder on its path is a link');
  }
  for (const key of ['mine', 'out', 'out/store']) await expect(storage.deleteBelow(key)).rejects.toThrow(NoAccess);
  await storage.write('ours/file', ['x']);
  await symlink('../theirs', join(folder, 'store/ours/link'));
  expect(await storage.deleteBelow('ours')).toBe(2);
  expect(await textOf(storage, 'theirs/file')).toBe('kept');
  expect(await readdir(folder)).toEqual(['store']);
});

test('gives check the URI of the file that a link led to', async () => {
  await mkdir(join(folder, 'real'));
  await symlink(join(folder, 'real'), join(folder, 'link'));
  const storage = new FileStorage(join(folder, 'link'));
  await storage.write('theirs/file', ['x']);
  await symlink('theirs/file', join(folder, 'real/mine'));
  const checked: string[] = [];
  for await (const _ of storage.read('mine', (uri) => void checked.push(uri)));
  expect(checked).toEqual([`file://${folder}/real/theirs/file`]);
  expect(storage.keyOf(checked[0] as string)).toBe('theirs/file');
});

test('reads a file up to its length when it was opened, however it grows', async () => {
  await writeFile(join(folder, 'growing'), Buffer.alloc(1_000_000));
  let read = 0;
  const reading = async () => {
    for await (const piece of new FileStorage(folder).read('growing')) {
      read += piece.length;
      await appendFile(join(folder, 'growing'), Buffer.alloc(1_000_000));
    }
  };
  await expect(reading()).rejects.toThrow('changed while it was being read');
  expect(read).toBe(1_000_000);
});

test.each(['%2e%2e/outside/a', 'x/%2e%2e/%2e%2e/a', 'x%2F..%2F..%2Fa', 'a%00b', 'a%5Cb', 'a?b', 'a#b'])(
  'finds no key for the URI …/%s, which leads out or nowhere',
  (rest) => {
    expect(new FileStorage('/store').keyOf(`file:///store/${rest}`)).toBeUndefined();
  },
);

test('deletes with a file, or a folder, what killed writers left of it', async () => {
  const storage = new FileStorage(folder);
  await killWhileWriting(storage.root, ['a.csv', 'a.csv.gz', 'b/c/d.csv']);
  const left = async (path = '.') => (await readdir(join(folder, path))).sort();
  const partialOf = (name: string) => expect.stringMatching(new RegExp(`^${name}\\.[-\\da-f]{36}\\.partial$`));
  expect(await left()).toEqual([partialOf('a\\.csv'), partialOf('a\\.csv\\.gz'), 'b']);
  await storage.delete('a.csv');
  expect(await left()).toEqual([partialOf('a\\.csv\\.gz'), 'b']);
  expect(await left('b/c')).toEqual([partialOf('d\\.csv')]);
  expect(await storage.deleteBelow('b')).toBe(1);
  await storage.write('a.csv.gz', ['x']);
  await storage.delete('a.csv.gz');
  expect(await left()).toEqual([]);
});
