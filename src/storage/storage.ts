/** Files as bytes by key: all the rest of the system knows about where a job's files are. */

/** A place for files, in one of the two backends. Keys are relative paths with `/` that pass checkKey. */
export interface Storage {
  /** The URI of the place itself. */
  readonly root: string;
  /**
   * The file's bytes, in pieces. Iterating throws NotFound if there is no such file, and StorageFailed. `check` is
   * called before the first piece with the URI of the file that links, if any, led to; what it throws ends the read.
   */
  read(key: string, check?: (uri: string) => void): AsyncIterable<Uint8Array>;
  /** Writes or replaces the file. Readers see all of it or nothing. Throws StorageFailed. */
  write(key: string, content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void>;
  /**
   * Writes the file unless there is one, whoever else does so meanwhile. Returns whether it has; if not, there is one,
   * which may be its own, after an answer that was lost. Throws StorageFailed.
   */
  writeOnce(key: string, bytes: Uint8Array | string): Promise<boolean>;
  /**
   * Deletes what killed writers left of a file, or of all below a folder, if nothing was written to it for `idleMs`. Who is
   * still writing fails. Throws StorageFailed.
   */
  deleteHalfWritten(key: string, idleMs?: number): Promise<void>;
  /** Deletes the file, if it exists, and whatever killed writers left of it. Throws StorageFailed. */
  delete(key: string): Promise<void>;
  /**
   * Deletes all files below `folder`, whoever wrote them and whether they finished, until `signal` aborts, which throws
   * its reason. Returns how many there were. Throws StorageFailed.
   */
  deleteBelow(folder: string, signal?: AbortSignal): Promise<number>;
  exists(key: string): Promise<boolean>;
  /** Names the file for people and other programs. */
  uri(key: string): string;
  /** The inverse of `uri`: the key of a file in this place, or undefined if the URI points elsewhere. */
  keyOf(uri: string): string | undefined;
}

/** Thrown when reading a file that does not exist. */
export class NotFound extends Error {
  override name = 'NotFound';
  readonly uri: string;
  constructor(uri: string, options?: ErrorOptions) {
    super(`There is no file at ${uri}.`, options);
    this.uri = uri;
  }
}

/** Thrown when the place itself fails, such as a full disk. The message says what to do. */
export class StorageFailed extends Error {
  override name = 'StorageFailed';
}

/** A StorageFailed that lasts until a person fixes it: no permission, no bucket, a folder in place of a file. */
export class NoAccess extends StorageFailed {
  override name = 'NoAccess';
}

/** Returns the key if it can only name a file inside the storage, and throws RangeError otherwise. */
export function checkKey(key: string): string {
  const inside = key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (inside && !/[\0\\]/.test(key)) return key;
  throw new RangeError(
    `Expected a key such as "folder/file", without "..", backslash or NUL, got ${JSON.stringify(key)}.`,
  );
}

/** The same place until `signal` aborts: from then on calls, and further pieces of a read, throw its reason. */
export function stoppable(storage: Storage, signal: AbortSignal): Storage {
  const { root } = storage;
  return {
    root,
    async *read(key, check) {
      for await (const piece of storage.read(key, check)) {
        signal.throwIfAborted();
        yield piece;
      }
    },
    async write(key, content) {
      signal.throwIfAborted();
      await storage.write(key, content);
    },
    async writeOnce(key, bytes) {
      signal.throwIfAborted();
      return storage.writeOnce(key, bytes);
    },
    async deleteHalfWritten(key, idleMs) {
      signal.throwIfAborted();
      await storage.deleteHalfWritten(key, idleMs);
    },
    async delete(key) {
      signal.throwIfAborted();
      await storage.delete(key);
    },
    deleteBelow: (folder) => storage.deleteBelow(folder, signal),
    async exists(key) {
      signal.throwIfAborted();
      return storage.exists(key);
    },
    uri: (key) => storage.uri(key),
    keyOf: (uri) => storage.keyOf(uri),
  };
}

/** All of a file, for those that are small. Throws NotFound and StorageFailed. */
export async function readWhole(storage: Pick<Storage, 'read'>, key: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of storage.read(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}
