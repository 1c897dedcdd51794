/** Names that a source has of things of the store, and which of those they fit. Pure. */
import type { NameKind } from '../contract/activities.ts';
import { printable } from '../contract/describe.ts';

/** The source names things of the store, which has to be asked for them first. */
export class NamesNeeded extends Error {
  override name = 'NamesNeeded';
  readonly kinds: NameKind[];

  constructor(...kinds: NameKind[]) {
    super();
    this.kinds = kinds;
  }
}

/** A thing as the store lists it. Two may have the same name. */
export interface Named {
  id: number;
  name: string;
}

/** Things of one kind, of one store. */
export class Names<T extends Named> {
  readonly #byName = new Map<string, T[]>();
  readonly #byFolded = new Map<string, T[]>();
  readonly #byId = new Map<string, T>();

  constructor(things: readonly T[]) {
    for (const thing of things) {
      enter(this.#byName, thing.name, thing);
      enter(this.#byFolded, fold(thing.name), thing);
      this.#byId.set(String(thing.id), thing);
    }
  }

  /** The one with this id. */
  get(id: unknown): T | undefined {
    return this.#byId.get(String(id));
  }

  /** Those with this name, else those whose name differs only in case and blanks; and the one with this id. */
  fitting(text: string): Set<T> {
    const fitting = new Set(this.#byName.get(text) ?? this.#byFolded.get(fold(text)));
    const byId = this.#byId.get(text);
    return byId ? fitting.add(byId) : fitting;
  }
}

/** Names are compared without regard to case, and to how many blanks are where. */
export const fold = (name: string): string => name.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();

function enter<T>(map: Map<string, T[]>, name: string, thing: T): void {
  map.set(name, [...(map.get(name) ?? []), thing]);
}

/** Several that fit, for a message. */
export function allOf([first, second, ...more]: Named[]): string {
  const named = [first, second].flatMap((thing) =>
    thing ? [`"${printable(thing.name, MAX_NAME)}" (id ${thing.id})`] : [],
  );
  return named.join(' and ') + (more.length > 0 ? ` and ${more.length} more` : '');
}

/** The names of all things there are, for a message of which they may take `most` characters. */
export function listOf(kind: string, names: readonly string[], most: number): string {
  if (names.length === 0) return 'It has none.';
  let list = '';
  for (const [index, name] of names.entries()) {
    const next = `${index === 0 ? '' : ', '}"${printable(name, MAX_NAME)}"`;
    if (list.length + next.length > most) return `Its ${kind}: ${list} and ${names.length - index} more.`;
    list += next;
  }
  return `Its ${kind}: ${list}.`;
}

/** Most characters of a name in a message. */
const MAX_NAME = 50;
