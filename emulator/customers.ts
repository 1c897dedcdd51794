import type { Switches } from './fault-kinds.ts';
import type { Update } from './fields.ts';

/** A customer as the API lists it. */
type Customer = { id: number; email: string } & Record<string, unknown>;

/** The e-mail address of a customer that no update has changed. */
const defaultEmail = (id: number): string => `customer${id}@example.com`;

interface FormField {
  name: string;
  value: unknown;
}

/** What updates have changed about a customer. */
type Changes = { email?: string } & Record<string, unknown>;

const BORN = '2024-01-01T00:00:00Z';

/** Customers 1…count of one store. Only what updates changed is kept, so that a million cost next to nothing. */
export class Customers {
  readonly #count: number;
  /** Fields that differ from the default, by id. */
  readonly #changed = new Map<number, Changes>();
  /** Who has an e-mail address, by its lower case: only current addresses that an update set. */
  readonly #owners = new Map<string, number>();
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

  /**
   * Applies the updates in order until one is rejected because its id does not exist or its e-mail address belongs to
   * someone else by then. Returns that error, named as the API names it, or undefined if all were applied. All or
   * nothing, unless the switch `partial` keeps what was applied before the error.
   */
  update(updates: Update[], switches: Switches): Record<string, string> | undefined {
    const before: { id: number; fields: Changes | undefined }[] = [];
    for (const [index, { id, ...fields }] of updates.entries()) {
      const error = this.#rejects(index, id, fields.email);
      if (error) {
        if (switches.partial) this.#countWrites(before);
        else for (const { id, fields } of before.reverse()) this.#set(id, fields);
        return error;
      }
      const old = this.#changed.get(id);
      before.push({ id, fields: old });
      const formFields = switches['form-fields-replaced'] ? [] : this.get(id).form_fields;
      const changes = withFormFields(publicFields(fields), formFields as FormField[]);
      this.#set(id, { ...old, ...changes, date_modified: new Date().toISOString() });
    }
    this.#countWrites(before);
    return undefined;
  }

  #rejects(index: number, id: number, email: string | undefined): Record<string, string> | undefined {
    if (!this.has(id)) return { [`${index}.id`]: 'invalid customer ID' };
    if (email === undefined) return undefined;
    const owner = this.#ownerOf(email.toLowerCase());
    if (owner === undefined || owner === id) return undefined;
    return { '.customer_update': `Error updating customers: email ${email} already in use` };
  }

  #ownerOf(email: string): number | undefined {
    const id = this.#owners.get(email) ?? Number(/^customer([1-9]\d*)@example\.com$/.exec(email)?.[1]);
    return this.has(id) && this.#emailOf(id) === email ? id : undefined;
  }

  #emailOf(id: number): string {
    return (this.#changed.get(id)?.email ?? defaultEmail(id)).toLowerCase();
  }

  #set(id: number, fields: Changes | undefined): void {
    const old = this.#emailOf(id);
    if (this.#owners.get(old) === id) this.#owners.delete(old);
    if (fields) this.#changed.set(id, fields);
    else this.#changed.delete(id);
    if (fields?.email !== undefined) this.#owners.set(this.#emailOf(id), id);
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

/** Passwords are accepted and never returned. */
function publicFields({ authentication, ...fields }: Changes): Changes {
  const { force_password_reset } = (authentication ?? {}) as { force_password_reset?: boolean };
  return force_password_reset === undefined ? fields : { ...fields, authentication: { force_password_reset } };
}

/** The changes, with all form fields that the customer then has if they change any: a blank one counts as none. */
function withFormFields(changes: Changes, before: FormField[]): Changes {
  const sent = changes['form_fields'] as FormField[] | undefined;
  if (!sent) return changes;
  const values = new Map([...before, ...sent].map(({ name, value }) => [name, value]));
  const isBlank = (value: unknown) => value === '' || (Array.isArray(value) && value.length === 0);
  const left = [...values].filter(([, value]) => !isBlank(value));
  return { ...changes, form_fields: left.map(([name, value]) => ({ name, value })) };
}
