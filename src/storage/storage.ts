/** Files as bytes by key: all that the rest of the system knows of where a job's files are. */

/** A place for files, in one of the backends. Keys are relative paths with `/`, as checkKey takes them. */
export interface Storage {
  /** URI of the place itself. */
  readonly root: string;
  /**
   * The file's bytes, in pieces. Iterating throws NotFound where there is none, else StorageFailed. `check` is called before
   * the first of them with the URI of the file itself, to which links may have led; what it throws ends the reading.
   */
  read(key: string, check?: (uri: string) => void): AsyncIterable<Uint8Array>;
  /** Writes the file, or replaces it: other readers see it whole, or not at all. Throws StorageFailed. */
  write(key: string, content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void>;
  /** Deletes the file, if there is one. Throws StorageFailed. */
  delete(key: string): Promise<void>;
  exists(key: string): Promise<boolean>;
  /** Names the file for people and other programs. */
  uri(key: string): string;
  /** The inverse of `uri`: the key of a file in this place, or undefined where the URI leads elsewhere. */
  keyOf(uri: string): string | undefined;
}

/** Thrown on reading a file that is not there. */
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

/** A StorageFailed that stays until a person sees to it: a missing permission or bucket, a folder or a link in a file's place. */
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

/** The same place until `signal` aborts: what is begun after that, and each further piece that is read, throws its reason. */
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
    async delete(key) {
      signal.throwIfAborted();
      await storage.delete(key);
    },
    async exists(key) {
      signal.throwIfAborted();
      return storage.exists(key);
    },
    uri: (key) => storage.uri(key),
    keyOf: (uri) => storage.keyOf(uri),
  };
}
