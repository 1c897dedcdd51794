/** The e-mail addresses that rows name, and in which row each came first. */
import { hash } from 'node:crypto';

/** Each grows on its own, so that growing never takes twice the memory of all. */
const TABLES = 256;

/** Slots are filled up to this share; more makes searches long, less takes memory. */
const FULL = 0.9;
const GROWTH = 1.125;
const FIRST_SLOTS = 8;

/** 96 bits of an address's hash, and twice its row, plus one if the row gives the address to its customer. */
const WORDS = 4;

/** Where an address was named. */
export interface Named {
  row: number;
  /** As the one that the row's customer is to have. */
  asNew: boolean;
}

/**
 * Hashes in typed arrays: 18 to 20 bytes for each of at most four million addresses, and nothing for the garbage collector to
 * walk. Two of four million addresses share their 96 bits in one of 10 ** 16 cases.
 */
export class Addresses {
  readonly #tables = Array.from({ length: TABLES }, () => new Table());

  /** Where an address was named first; undefined if it was not. */
  find(hashed: Hashed): Named | undefined {
    const found = this.#tableOf(hashed).get(hashed);
    return found === 0 ? undefined : { row: found >>> 1, asNew: found % 2 === 1 };
  }

  /** Enters an address that was not named before. */
  enter(hashed: Hashed, { row, asNew }: Named): void {
    this.#tableOf(hashed).set(hashed, row * 2 + Number(asNew));
  }

  #tableOf(hashed: Hashed): Table {
    return this.#tables[(hashed[1] as number) % TABLES] as Table;
  }
}

/** The first 96 bits of the hash of an address as addressKey writes it. */
export type Hashed = Uint32Array;

export function hashed(key: string): Hashed {
  const bytes = hash('sha256', key, 'buffer');
  return Uint32Array.of(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8));
}

/** A hash table with open addressing. A slot whose last word is 0 is empty: rows begin with 1. */
class Table {
  #slots = new Uint32Array(FIRST_SLOTS * WORDS);
  #size = 0;

  /** The value of a hash; 0 if it has none. */
  get(words: Hashed): number {
    return this.#slots[this.#slotOf(words, 0) + WORDS - 1] as number;
  }

  set(words: Hashed, value: number): void {
    if (++this.#size * WORDS > this.#slots.length * FULL) this.#grow();
    this.#write(words, 0, value);
  }

  #write(words: Uint32Array, at: number, value: number): void {
    const slot = this.#slotOf(words, at);
    for (let word = 0; word < WORDS - 1; word++) this.#slots[slot + word] = words[at + word] as number;
    this.#slots[slot + WORDS - 1] = value;
  }

  /** Where the hash at `at` is, or belongs. */
  #slotOf(words: Uint32Array, at: number): number {
    const slots = this.#slots;
    const [first, second, third] = [words[at], words[at + 1], words[at + 2]];
    // In the order of the hashes, for any number of slots.
    let slot = Math.floor(((first as number) / 2 ** 32) * (slots.length / WORDS)) * WORDS;
    while (
      slots[slot + WORDS - 1] !== 0 &&
      (slots[slot] !== first || slots[slot + 1] !== second || slots[slot + 2] !== third)
    ) {
      slot = (slot + WORDS) % slots.length;
    }
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(Math.ceil((old.length / WORDS) * GROWTH + 1) * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      const value = old[at + WORDS - 1] as number;
      if (value !== 0) this.#write(old, at, value);
    }
  }
}
