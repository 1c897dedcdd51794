/** The customer groups of a store, and which of them a cell names. Pure. */
import { describeValue, printable } from '../contract/describe.ts';
import { damageTo } from './damage.ts';
import type { Problem } from './sources/record.ts';

/** The source names groups of the store, which has to be asked for them first. */
export class NamesNeeded extends Error {
  override name = 'NamesNeeded';
}

/** A group as the store lists it. Two may have the same name. */
export interface Group {
  id: number;
  name: string;
}

/** What takes a customer out of all groups. */
const NO_GROUP: Group = { id: 0, name: 'No group' };
const NO_GROUP_WORDS = ['0', 'no group'];

/** Most characters of the store's groups in a message: a failure has 330 bytes. */
const MAX_LISTED = 180;

/** The groups of one store. */
export class Groups {
  readonly #byName = new Map<string, Group[]>();
  readonly #byFolded = new Map<string, Group[]>();
  readonly #byId = new Map<string, Group>();
  readonly #all: string;

  constructor(groups: readonly Group[]) {
    for (const group of groups) {
      enter(this.#byName, group.name, group);
      enter(this.#byFolded, fold(group.name), group);
      this.#byId.set(String(group.id), group);
    }
    this.#all = listOf(groups.map(({ name }) => name));
  }

  /** The group with an id, for people; undefined if the store has none. */
  nameOf(id: unknown): string | undefined {
    const group = id === NO_GROUP.id ? NO_GROUP : this.#byId.get(String(id));
    return group === NO_GROUP ? group.name : group && `${group.name} (id ${group.id})`;
  }

  /** The id of the group that a text names, or else has as its id; 0 for no group. A Problem if none or several fit. */
  find(text: string): number | Problem {
    const folded = fold(text);
    const fitting = new Set(this.#byName.get(text) ?? this.#byFolded.get(folded));
    const byId = NO_GROUP_WORDS.includes(folded) ? NO_GROUP : this.#byId.get(text);
    if (byId) fitting.add(byId);
    const [first, second, ...more] = fitting;
    if (!first) return unknown(`the store has no such group. ${this.#all}`);
    if (!second) return first.id;
    const others = more.length > 0 ? ` and ${more.length} more` : '';
    return unknown(
      `expected one group, but ${nameOf(first)} and ${nameOf(second)}${others} fit. Write its id as customer_group_id.`,
    );
  }
}

/**
 * The id of the group that a row names, or why it can't be known. Throws NamesNeeded as long as the store's groups are
 * unknown.
 */
export function groupIdOf(value: unknown, groups: Groups | undefined): number | Problem {
  if (!groups) throw new NamesNeeded();
  const text = typeof value === 'number' ? String(value) : value;
  const damage = typeof text === 'string' ? damageTo(text) : describeValue(text);
  if (typeof text === 'string' && damage === undefined) return groups.find(text);
  return { code: 'invalid_field', message: `customer_group: expected the name of a group, got ${damage}.` };
}

/** Names are compared without regard to case, and to how many blanks are where. */
const fold = (name: string): string => name.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();

function enter(map: Map<string, Group[]>, name: string, group: Group): void {
  map.set(name, [...(map.get(name) ?? []), group]);
}

const unknown = (message: string): Problem => ({ code: 'unknown_group', message: `customer_group: ${message}` });

const nameOf = ({ id, name }: Group): string => `"${printable(name, 50)}" (id ${id})`;

function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'It has none.';
  let list = '';
  for (const [index, name] of names.entries()) {
    const next = `${index === 0 ? '' : ', '}"${printable(name, 50)}"`;
    if (list.length + next.length > MAX_LISTED) return `Its groups: ${list} and ${names.length - index} more.`;
    list += next;
  }
  return `Its groups: ${list}.`;
}
