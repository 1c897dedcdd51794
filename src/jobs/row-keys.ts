/** Which rows of a source are about one customer, as far as the source itself tells. */
import { addressKey } from '../contract/address.ts';
import type { Match } from '../contract/job.ts';
import { Addresses, type Hashed, hashed, type Named } from './addresses.ts';
import type { Values } from './fields.ts';
import { FirstRows } from './first-rows.ts';
import type { Problem } from './sources/record.ts';

/**
 * The customers and addresses of the rows that can be sent. Of two rows in conflict only the first one can: the calls of a
 * job have no order, so nobody could say which one of them counts in the end.
 */
export class RowKeys {
  readonly #byEmail: boolean;
  readonly #ids = new FirstRows();
  readonly #addresses = new Addresses();
  /** Whether a row gives its customer another address. */
  renames = false;

  constructor(match: Match) {
    this.#byEmail = match === 'email';
  }

  /** Enters a row that was checked; a Problem if it is in conflict with an earlier one. */
  enter(value: Values, row: number): Problem | undefined {
    if (!this.#byEmail) return duplicate(this.#ids.enter(value['id'] as number, row));
    const { id, email, new_email } = value as { id?: number; email?: string; new_email?: string };
    const key = email === undefined ? undefined : hashed(addressKey(email));
    const isNew = new_email !== undefined && addressKey(new_email) !== addressKey(email ?? '');
    const newKey = isNew ? hashed(addressKey(new_email)) : undefined;
    const problem = this.#conflict(id, key, newKey);
    if (problem) return problem;
    if (id !== undefined) this.#ids.enter(id, row);
    if (key !== undefined) this.#addresses.enter(key, { row, asNew: false });
    if (newKey !== undefined) {
      this.#addresses.enter(newKey, { row, asNew: true });
      this.renames = true;
    }
    return undefined;
  }

  /** The ids that the rows name, sorted. */
  ids(): Uint32Array {
    return this.#ids.ids();
  }

  #conflict(id: number | undefined, key: Hashed | undefined, newKey: Hashed | undefined): Problem | undefined {
    const sameId = id === undefined ? undefined : this.#ids.find(id);
    if (sameId !== undefined) return duplicate(sameId);
    const named = key === undefined ? undefined : this.#addresses.find(key);
    if (named) return named.asNew ? taken('email', named) : duplicate(named.row);
    const given = newKey === undefined ? undefined : this.#addresses.find(newKey);
    return given && taken('new_email', given);
  }
}

function duplicate(first: number | undefined): Problem | undefined {
  if (first === undefined) return undefined;
  return { code: 'duplicate', message: `Expected one row a customer, got another one in row ${first}.` };
}

/** Sent in any order, such rows would write to the wrong customer, or be rejected. */
function taken(field: string, { row, asNew }: Named): Problem {
  const message =
    `${field}: expected an address that no other row has, got the ${asNew ? 'new_email' : 'email'} of row ${row}. ` +
    'Send it in a later job.';
  return { code: 'duplicate', message };
}
