import { randomUUID } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkKey, NoAccess, NotFound, type Storage, StorageFailed } from './storage.ts';

// Job files hold customers' data, so only the worker's user may read them.
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

// Large enough to keep a disk busy, and small beside a worker's memory.
const READ_BYTES = 256 * 1024;

/** Files in a folder on this machine, or mounted into it. Symlinks that lead out of the folder are not followed. */
export class FileStorage implements Storage {
  readonly root: string;
  readonly #folder: string;
  #real: string | undefined;

  /** `folder` need not exist: the first write creates it. */
  constructor(folder: string) {
    this.#folder = resolve(folder);
    this.root = pathToFileURL(this.#folder).href;
  }

  async *read(key: string, check?: (uri: string) => void): AsyncGenerator<Uint8Array> {
    const path = this.#path(key);
    try {
      const file = await open(await this.#insideOf(path), READ);
      try {
        // The open file's own path: at `path` there may be another file by now.
        const real = this.#inside(path, await realPathOf(file, path), await realpath(this.#folder));
        check?.(pathToFileURL(real).href);
        yield* wholeFile(file, path);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw isMissing(error) ? new NotFound(this.uri(key), { cause: error }) : failed('read', path, error);
    }
  }

  write(key: string, content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void> {
    return this.#write(key, content, (partial, path) => onDisk(path, rename(partial, path)));
  }

  async writeOnce(key: string, bytes: Uint8Array | string): Promise<boolean> {
    let isFirst = true;
    await this.#write(key, [bytes], async (partial, path) => {
      // Unlike a rename, a link is not made where there is a file.
      await link(partial, path).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw failed('write', path, error);
        isFirst = false;
      });
      await onDisk(path, unlink(partial));
    });
    return isFirst;
  }

  /** Writes a whole file next to its place, to which `put` then brings it. */
  async #write(
    key: string,
    content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
    put: (partial: string, path: string) => Promise<void>,
  ): Promise<void> {
    const path = this.#path(key);
    // Every writer has a name of its own, so that two writers of one file can't mix their bytes.
    const partial = `${path}.${randomUUID()}.partial`;
    const done = <T>(work: Promise<T>) => onDisk(path, work);
    try {
      await done(mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE }));
      await done(this.#checkFolder(path));
      const file = await done(open(partial, 'wx', FILE_MODE));
      try {
        for await (const piece of content) await done(file.writeFile(piece));
        await done(file.sync());
      } finally {
        await file.close();
      }
      await put(partial, path);
      await done(syncFolder(dirname(path)));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async deleteHalfWritten(key: string, idleMs = 0): Promise<void> {
    const path = this.#path(key);
    const remove = async (partial: string) => {
      if (idleMs > 0 && Date.now() - (await stat(partial)).mtimeMs < idleMs) return;
      await rm(partial, { force: true });
    };
    try {
      await this.#checkFolder(path);
      for (const name of await readdir(dirname(path))) {
        if (isPartialOf(basename(path), name)) await remove(join(dirname(path), name));
      }
      for (const { name, parentPath } of await readdir(path, { recursive: true, withFileTypes: true })) {
        if (PARTIAL.test(name)) await remove(join(parentPath, name));
      }
    } catch (error) {
      if (!isMissing(error)) throw failed('delete', path, error);
    }
  }

  async delete(key: string): Promise<void> {
    await this.deleteHalfWritten(key);
    const path = this.#path(key);
    try {
      await this.#checkFolder(path);
      await unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw failed('delete', path, error);
    }
  }

  async deleteBelow(folder: string, signal?: AbortSignal): Promise<number> {
    const path = this.#path(folder);
    let deleted = 0;
    try {
      await this.#checkFolder(join(path, 'any'));
      for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
        if (entry.isDirectory()) continue;
        signal?.throwIfAborted();
        await rm(join(entry.parentPath, entry.name), { force: true });
        deleted++;
      }
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      if (!isMissing(error)) throw failed('delete', path, error);
    }
    return deleted;
  }

  async exists(key: string): Promise<boolean> {
    const path = this.#path(key);
    try {
      await this.#insideOf(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw failed('read', path, error);
    }
  }

  uri(key: string): string {
    return pathToFileURL(this.#path(key)).href;
  }

  keyOf(uri: string): string | undefined {
    try {
      const url = new URL(uri);
      if (url.search !== '' || url.hash !== '') return undefined;
      const path = fileURLToPath(url);
      const folder = [within(this.#folder), within(this.#realFolder())].find((start) => path.startsWith(start));
      return folder === undefined ? undefined : checkKey(path.slice(folder.length));
    } catch {
      return undefined;
    }
  }

  // The folder may itself be behind a link, and need not exist yet.
  #realFolder(): string {
    try {
      return (this.#real ??= realpathSync.native(this.#folder));
    } catch {
      return this.#folder;
    }
  }

  #path(key: string): string {
    return join(this.#folder, checkKey(key));
  }

  async #insideOf(path: string): Promise<string> {
    const [folder, real] = await Promise.all([realpath(this.#folder), realpath(path)]);
    return this.#inside(path, real, folder);
  }

  // Through a link, another file would be written or deleted.
  async #checkFolder(path: string): Promise<void> {
    const [root, folder] = await Promise.all([realpath(this.#folder), realpath(dirname(path))]);
    if (folder === resolve(root, relative(this.#folder, dirname(path)))) return;
    throw new NoAccess(`Can't write or delete ${path}: a folder on its path is a link. Put the folder itself there.`);
  }

  #inside(path: string, real: string, folder: string): string {
    if (real.startsWith(within(folder))) return real;
    throw new NoAccess(
      `Can't read ${path}: it is a link that leads out of ${this.#folder}. Put the file itself there.`,
    );
  }
}

// An error that is not the disk's is rethrown unchanged.
const onDisk = <T>(path: string, work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => Promise.reject(failed('write', path, error)));

const PARTIAL = /\.[\da-f-]{36}\.partial$/;

const isPartialOf = (file: string, name: string): boolean => PARTIAL.test(name) && name.replace(PARTIAL, '') === file;

/** A file's bytes. Throws if it was written to meanwhile: what was read is neither its old nor its new content. */
async function* wholeFile(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  const before = await file.stat();
  if (!before.isFile()) throw Object.assign(new Error(), { code: before.isDirectory() ? 'EISDIR' : 'ENXIO' });
  // Up to its length at the start: a file that is appended to all the time would never end.
  const options = { end: before.size - 1, highWaterMark: READ_BYTES, autoClose: false };
  if (before.size > 0) yield* file.createReadStream(options) as AsyncIterable<Uint8Array>;
  const after = await file.stat();
  if (after.mtimeMs === before.mtimeMs && after.size === before.size) return;
  throw new StorageFailed(`${path} changed while it was being read. Put a file there only once it is complete.`);
}

// Doesn't follow a link that has replaced a checked path, and doesn't wait for somebody to write to a pipe.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Where an open file is. Linux knows that of the file itself, wherever its path leads by now. */
const realPathOf = (file: FileHandle, path: string): Promise<string> =>
  readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(path));

const within = (folder: string): string => (folder.endsWith(sep) ? folder : folder + sep);

// A rename is on disk only once its folder is.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const PERMISSION = 'the user that runs this program has no permission. Grant it';
const NOT_A_FOLDER = 'a part of the path is a file, not a folder. Move it away';

// Each lasts until a person fixes it.
const NO_ACCESS: Record<string, string> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: 'the disk is mounted read-only. Mount it for writing, or move the job store (JOB_STORE)',
  EISDIR: 'it is a folder. Name a file',
  ENXIO: 'it is a pipe, a socket or a device. Name a file',
  ELOOP: 'it is a link that leads to itself, or appeared while it was opened. Put the file itself there',
  ENAMETOOLONG: 'its path is too long. Shorten it',
  ENOTDIR: NOT_A_FOLDER,
  EEXIST: NOT_A_FOLDER,
};

const FULL = 'the disk is full. Free some space, or move the job store (JOB_STORE) to a larger one';

function failed(doing: 'read' | 'write' | 'delete', path: string, error: unknown): unknown {
  const code = codeOf(error);
  // Not the disk's: rethrown unchanged.
  if (error instanceof StorageFailed || typeof code !== 'string') return error;
  const lasting = NO_ACCESS[code];
  const why = lasting ?? (code === 'ENOSPC' ? FULL : String(error));
  const Failed = lasting === undefined ? StorageFailed : NoAccess;
  return new Failed(`Can't ${doing} ${path}: ${why} (${code}).`, { cause: error });
}
