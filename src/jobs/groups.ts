/** The customer groups of a store, and which of them a cell names. Pure. */
import { describeValue } from '../contract/describe.ts';
import { damageTo } from './damage.ts';
import { allOf, fold, listOf, type Named, Names, NamesNeeded } from './names.ts';
import type { Problem } from './sources/record.ts';

/** What takes a customer out of all groups. */
const NO_GROUP: Named = { id: 0, name: 'No group' };
const NO_GROUP_WORDS = ['0', 'no group'];

/** Most characters of the store's groups in a message: a failure has 330 bytes. */
const MAX_LISTED = 180;

/** The groups of one store. */
export class Groups {
  readonly #names: Names<Named>;
  readonly #all: string;

  constructor(groups: readonly Named[]) {
    this.#names = new Names(groups);
    const names = groups.map(({ name }) => name);
    this.#all = listOf('groups', names, MAX_LISTED);
  }

  /** The group with an id, for people; undefined if the store has none. */
  nameOf(id: unknown): string | undefined {
    const group = id === NO_GROUP.id ? NO_GROUP : this.#names.get(id);
    return group === NO_GROUP ? group.name : group && `${group.name} (id ${group.id})`;
  }

  /** The id of the group that a text names, or else has as its id; 0 for no group. A Problem if none or several fit. */
  find(text: string): number | Problem {
    const fitting = this.#names.fitting(text);
    if (NO_GROUP_WORDS.includes(fold(text))) fitting.add(NO_GROUP);
    const [first, second] = fitting;
    if (!first) return unknown(`the store has no such group. ${this.#all}`);
    if (!second) return first.id;
    return unknown(`expected one group, but ${allOf([...fitting])} fit. Write its id as customer_group_id.`);
  }
}

/**
 * The id of the group that a row names, or why it can't be known. Throws NamesNeeded as long as the store's groups are
 * unknown.
 */
export function groupIdOf(value: unknown, groups: Groups | undefined): number | Problem {
  if (!groups) throw new NamesNeeded('groups');
  const text = typeof value === 'number' ? String(value) : value;
  const damage = typeof text === 'string' ? damageTo(text) : describeValue(text);
  if (typeof text === 'string' && damage === undefined) return groups.find(text);
  return { code: 'invalid_field', message: `customer_group: expected the name of a group, got ${damage}.` };
}

const unknown = (message: string): Problem => ({ code: 'unknown_group', message: `customer_group: ${message}` });
