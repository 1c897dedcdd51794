/** What was loaded last, by key: each is loaded once, also where several ask for it at once, unless loading it fails. */
export class Recent<T> {
  readonly #kept: number;
  // In the order of their last use, the latest at the end.
  readonly #items = new Map<string, Promise<T>>();

  /** Keeps `kept` items in memory. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  get(key: string, load: () => Promise<T>): Promise<T> {
    const item = this.#items.get(key) ?? load();
    this.#items.delete(key);
    this.#items.set(key, item);
    for (const oldest of this.#items.keys()) if (this.#items.size > this.#kept) this.#items.delete(oldest);
    item.catch(() => this.#items.delete(key));
    return item;
  }
}
