/** What was loaded last, by key: each is loaded once, also where several ask for it at once, unless loading it fails. */
export class Recent<T> {
  readonly #most: number;
  readonly #sizeOf: (item: T) => number;
  // However many they are: a second load of the same may come to something else.
  readonly #loading = new Map<string, Promise<T>>();
  // In the order of their last use, the latest at the end.
  readonly #kept = new Map<string, { item: T; size: number }>();
  #size = 0;

  /** Keeps items in memory whose sizes are `most` together, and the latest whatever its size; all have the size 1 by default. */
  constructor(most: number, sizeOf: (item: T) => number = () => 1) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  async get(key: string, load: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept === undefined) return this.#loading.get(key) ?? this.#load(key, load);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.item;
  }

  /** What is of no more use. */
  forget(key: string): void {
    this.#size -= this.#kept.get(key)?.size ?? 0;
    this.#kept.delete(key);
  }

  #load(key: string, load: () => Promise<T>): Promise<T> {
    const loading = load()
      .then((item) => this.#keep(key, item))
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  #keep(key: string, item: T): T {
    const size = this.#sizeOf(item);
    this.#kept.set(key, { item, size });
    this.#size += size;
    for (const [oldest, { size: freed }] of this.#kept) {
      if (this.#size <= this.#most || oldest === key) break;
      this.#kept.delete(oldest);
      this.#size -= freed;
    }
    return item;
  }
}
