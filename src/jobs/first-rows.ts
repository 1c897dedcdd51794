/** Doubled whenever more than half of the slots are taken. */
const FIRST_SLOTS = 1 << 12;

/**
 * The row in which each customer came first. A hash table in typed arrays: 24 to 48 bytes for each of at most two
 * million customers, and nothing for the garbage collector to walk.
 */
export class FirstRows {
  /** Customers so far. */
  size = 0;
  // 0 is an empty slot: ids begin with 1.
  #ids = new Float64Array(FIRST_SLOTS);
  #rows = new Uint32Array(FIRST_SLOTS);

  /** Enters a customer's row, or returns the earlier one if there is one. */
  enter(id: number, row: number): number | undefined {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] === id) return this.#rows[slot];
    this.#ids[slot] = id;
    this.#rows[slot] = row;
    if (++this.size * 2 > this.#ids.length) this.#grow();
    return undefined;
  }

  /** The row in which a customer came first; undefined if he did not. */
  find(id: number): number | undefined {
    const slot = this.#slotOf(id);
    return this.#ids[slot] === id ? this.#rows[slot] : undefined;
  }

  /** Those of all customers, which must be of 32 bits, sorted. */
  ids(): Uint32Array {
    return Uint32Array.from(this.#ids.filter((id) => id !== 0)).sort();
  }

  /** Where the id is, or belongs. */
  #slotOf(id: number): number {
    const last = this.#ids.length - 1;
    // Knuth's multiplicative hash over both halves of the id; its upper bits are the well-mixed ones.
    const mixed = Math.imul((id | 0) ^ Math.floor(id / 2 ** 32), 0x9e3779b1);
    let slot = (mixed ^ (mixed >>> 15)) & last;
    while (this.#ids[slot] !== 0 && this.#ids[slot] !== id) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [ids, rows] = [this.#ids, this.#rows];
    this.#ids = new Float64Array(2 * ids.length);
    this.#rows = new Uint32Array(2 * ids.length);
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] as number;
      if (id === 0) continue;
      const slot = this.#slotOf(id);
      this.#ids[slot] = id;
      this.#rows[slot] = rows[index] as number;
    }
  }
}
