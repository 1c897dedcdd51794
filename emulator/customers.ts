import type { Switches } from './fault-kinds.ts';
import type { Update } from './fields.ts';

/** A customer as the API lists it. */
type Customer = { id: number; email: string; channel_ids: number[] | null } & Record<string, unknown>;

/** What customers refer to. */
interface References {
  groups: { id: number }[];
  channels: number[];
}

/** The e-mail address of a customer that no update has changed. */
const defaultEmail = (id: number): string => `customer${id}@example.com`;

interface FormField {
  name: string;
  value: unknown;
}

/** What updates have changed about a customer. */
type Changes = { email?: string } & Record<string, unknown>;

/** Keyed by what they are about. */
type Errors = Record<string, string>;

const BORN = '2024-01-01T00:00:00Z';

/** Customers 1…count of one store. Only what updates changed is kept, so that a million cost next to nothing. */
export class Customers {
  readonly #count: number;
  /** Fields that differ from the default, by id. */
  readonly #changed = new Map<number, Changes>();
  /** Who has an e-mail address, by its lower case: only current addresses that an update set. */
  readonly #owners = new Map<string, Set<number>>();
  readonly #timesWritten: Uint32Array;
  /** Customers updated, each counted every time; how many different ones; how many of these more than once. */
  readonly written = { total: 0, distinct: 0, repeated: 0 };
  /** Customers listed by GETs, each counted every time. */
  read = 0;

  constructor(count: number) {
    this.#count = count;
    this.#timesWritten = new Uint32Array(count + 1);
  }

  get count(): number {
    return this.#count;
  }

  has(id: number): boolean {
    return id >= 1 && id <= this.#count;
  }

  /** The current values of a customer that exists. */
  get(id: number): Customer {
    return {
      id,
      email: defaultEmail(id),
      first_name: 'Customer',
      last_name: `Number ${id}`,
      company: '',
      phone: '',
      notes: '',
      tax_exempt_category: '',
      customer_group_id: 0,
      authentication: { force_password_reset: false },
      accepts_product_review_abandoned_cart_emails: false,
      store_credit_amounts: [{ amount: 0 }],
      origin_channel_id: 1,
      channel_ids: null,
      form_fields: [],
      registration_ip_address: '',
      date_created: BORN,
      date_modified: BORN,
      ...this.#changed.get(id),
    };
  }

  /** How many updates of this customer were applied. */
  timesWritten(id: number): number {
    return this.#timesWritten[id] ?? 0;
  }

  /** Who has an e-mail address, whatever its case, by id: several in a store where storefronts share no customers. */
  withEmail(email: string): number[] {
    const key = email.toLowerCase();
    const born = Number(/^customer([1-9]\d*)@example\.com$/.exec(key)?.[1]);
    const owners = new Set(this.#owners.get(key));
    if (this.has(born) && this.#emailOf(born) === key) owners.add(born);
    return [...owners].sort((a, b) => a - b);
  }

  /**
   * Applies the updates in order until one is rejected because its id, group or channel does not exist, or someone else
   * on one of its channels has its e-mail address by then. Returns that error, named as the API names it, or undefined
   * if all were applied. All or nothing, unless the switch `partial` keeps what was applied before the error.
   */
  update(updates: Update[], switches: Switches, known: References): Errors | undefined {
    const { error, applied } = this.#apply(updates, switches, known);
    this.#countWrites(applied);
    return error;
  }

  /** Applies updates as someone else's, all or none: they are counted nowhere. */
  change(updates: Update[], known: References): Errors | undefined {
    return this.#apply(updates, {}, known).error;
  }

  #apply(updates: Update[], switches: Switches, known: References): { error?: Errors; applied: { id: number }[] } {
    const before: { id: number; fields: Changes | undefined }[] = [];
    for (const [index, update] of updates.entries()) {
      const { id, ...fields } = update;
      const error = this.#rejects(index, update, known);
      if (error && switches.partial) return { error, applied: before };
      if (error) {
        for (const { id, fields } of before.reverse()) this.#set(id, fields);
        return { error, applied: [] };
      }
      const old = this.#changed.get(id);
      before.push({ id, fields: old });
      const formFields = switches['form-fields-replaced'] ? [] : this.get(id).form_fields;
      const changes = withFormFields(id, publicFields(fields), formFields as FormField[]);
      this.#set(id, { ...old, ...changes, date_modified: new Date().toISOString() });
    }
    return { applied: before };
  }

  /** The words for an id that does not exist, and for an address in use, were seen; those for the rest are a guess. */
  #rejects(index: number, update: Update, { groups, channels }: References): Errors | undefined {
    const { id, customer_group_id: group = 0, channel_ids: on } = update;
    if (!this.has(id)) return { [`${index}.id`]: 'invalid customer ID' };
    if (group !== 0 && !groups.some(({ id }) => id === group)) {
      return { [`${index}.customer_group_id`]: 'invalid customer group ID' };
    }
    if (on?.some((channel) => !channels.includes(channel))) return { [`${index}.channel_ids`]: 'invalid channel ID' };
    if (update.email === undefined && on === undefined) return undefined;
    const { email, channel_ids } = { ...this.get(id), ...update };
    const others = this.withEmail(email).filter((other) => other !== id);
    if (!others.some((other) => overlap(channel_ids, this.get(other).channel_ids))) return undefined;
    return { '.customer_update': `Error updating customers: email ${email} already in use` };
  }

  #emailOf(id: number): string {
    return (this.#changed.get(id)?.email ?? defaultEmail(id)).toLowerCase();
  }

  #set(id: number, fields: Changes | undefined): void {
    const old = this.#emailOf(id);
    const owners = this.#owners.get(old);
    owners?.delete(id);
    if (owners?.size === 0) this.#owners.delete(old);
    if (fields) this.#changed.set(id, fields);
    else this.#changed.delete(id);
    if (fields?.email === undefined) return;
    const email = this.#emailOf(id);
    this.#owners.set(email, (this.#owners.get(email) ?? new Set()).add(id));
  }

  #countWrites(writes: { id: number }[]): void {
    for (const { id } of writes) {
      const times = this.timesWritten(id) + 1;
      this.#timesWritten[id] = times;
      this.written.total++;
      if (times === 1) this.written.distinct++;
      if (times === 2) this.written.repeated++;
    }
  }
}

/** Whether two customers have a channel in common; null is all of them. */
const overlap = (one: number[] | null, other: number[] | null): boolean =>
  one === null || other === null || one.some((channel) => other.includes(channel));

/** Passwords are accepted and never returned. */
function publicFields({ authentication, ...fields }: Changes): Changes {
  const { force_password_reset } = (authentication ?? {}) as { force_password_reset?: boolean };
  return force_password_reset === undefined ? fields : { ...fields, authentication: { force_password_reset } };
}

/** The changes, with all form fields that the customer then has if they change any: a blank one counts as none. */
function withFormFields(id: number, changes: Changes, before: FormField[]): Changes {
  const sent = changes['form_fields'] as FormField[] | undefined;
  if (!sent) return changes;
  const values = new Map([...before, ...sent].map(({ name, value }) => [name, value]));
  const isBlank = (value: unknown) => value === '' || (Array.isArray(value) && value.length === 0);
  const left = [...values].filter(([, value]) => !isBlank(value));
  return { ...changes, form_fields: left.map(([name, value]) => ({ name, value, customer_id: id })) };
}
