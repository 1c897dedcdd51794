import { randomUUID } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { type FileHandle, mkdir, open, readlink, realpath, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkKey, NoAccess, NotFound, type Storage, StorageFailed } from './storage.ts';

// Job files hold customers' data, so nobody but the worker's user may read them.
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

// Enough for a disk to work in long strides, and little beside a worker's memory.
const READ_BYTES = 256 * 1024;

/** Files in a folder of this machine, or one mounted into it. Symlinks that lead out of the folder are not followed. */
export class FileStorage implements Storage {
  readonly root: string;
  readonly #folder: string;
  #real: string | undefined;

  /** `folder` need not exist: the first write makes it. */
  constructor(folder: string) {
    this.#folder = resolve(folder);
    this.root = pathToFileURL(this.#folder).href;
  }

  async *read(key: string, check?: (uri: string) => void): AsyncGenerator<Uint8Array> {
    const path = this.#path(key);
    try {
      const file = await open(await this.#insideOf(path), READ);
      try {
        // Asked of the open file: at its path there may be another one by now.
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

  async write(key: string, content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void> {
    const path = this.#path(key);
    // A name of its own, so that two attempts at one file can't mix their bytes.
    const partial = `${path}.${randomUUID()}.partial`;
    // Only what the disk says is a StorageFailed: what goes wrong in `content` passes as it is.
    const disk = <T>(work: Promise<T>) => work.catch((error: unknown) => Promise.reject(failed('write', path, error)));
    try {
      await disk(mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE }));
      await disk(this.#checkFolder(path));
      const file = await disk(open(partial, 'wx', FILE_MODE));
      try {
        for await (const piece of content) await disk(file.writeFile(piece));
        await disk(file.sync());
      } finally {
        await file.close();
      }
      await disk(rename(partial, path));
      await disk(syncFolder(dirname(path)));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await this.#checkFolder(path);
      await unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw failed('delete', path, error);
    }
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

  // The folder may itself be reached by a link, and need not exist yet.
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

  // Through a link, it would be another file that is written or deleted.
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

/** A file's bytes. Throws where it was written to in the meantime: what was read is neither its old nor its new content. */
async function* wholeFile(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  const before = await file.stat();
  if (!before.isFile()) throw Object.assign(new Error(), { code: before.isDirectory() ? 'EISDIR' : 'ENXIO' });
  // No further than it was long: a file that is always written to would never end.
  const options = { end: before.size - 1, highWaterMark: READ_BYTES, autoClose: false };
  if (before.size > 0) yield* file.createReadStream(options) as AsyncIterable<Uint8Array>;
  const after = await file.stat();
  if (after.mtimeMs === before.mtimeMs && after.size === before.size) return;
  throw new StorageFailed(`${path} changed while it was read. Put a file there only when it is whole.`);
}

// A link in a checked path's place is not followed, and a pipe that nobody writes to is not waited for.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Where an open file is. Linux knows that of the file itself, wherever its path leads by now. */
const realPathOf = (file: FileHandle, path: string): Promise<string> =>
  readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(path));

const within = (folder: string): string => (folder.endsWith(sep) ? folder : folder + sep);

// A rename is on the disk only once its folder is.
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

const PERMISSION = 'the user that runs this program lacks the permission. Give it to them';

// What stays so until a person sees to it.
const NO_ACCESS: Record<string, string> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: 'the disk is mounted read-only. Mount it for writing, or move the job store (JOB_STORE)',
  EISDIR: 'it is a folder. Name a file',
  ENXIO: 'it is a pipe, a socket or a device. Name a file',
  ELOOP: 'it is a link that leads to itself, or was put there while it was opened. Put the file itself there',
  ENAMETOOLONG: 'its path is too long. Give it a shorter one',
  ENOTDIR: 'a part of the path is a file, not a folder. Move it away',
  EEXIST: 'a part of the path is a file, not a folder. Move it away',
};

const FAILED: Record<string, string> = {
  ENOSPC: 'the disk is full. Free some space, or move the job store (JOB_STORE) to a larger disk',
  EDQUOT: "this user's share of the disk is used up. Free some space, or move the job store (JOB_STORE)",
};

function failed(doing: 'read' | 'write' | 'delete', path: string, error: unknown): unknown {
  // What is not the disk's passes as it is.
  if (error instanceof StorageFailed || codeOf(error) === undefined) return error;
  const code = String(codeOf(error));
  const why = NO_ACCESS[code] ?? FAILED[code] ?? String(error);
  const Failed = code in NO_ACCESS ? NoAccess : StorageFailed;
  return new Failed(`Can't ${doing} ${path}: ${why} (${code}).`, { cause: error });
}
