import type { Storage } from './storage.ts';

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
