/** An attribute of customers, as the merchant defines it. */
export interface Definition {
  id: number;
  name: string;
  type: 'string' | 'number' | 'date';
}

/** The value that a customer has of an attribute, with an id of its own. */
export interface Value {
  id: number;
  customer: number;
  attribute: number;
  value: string;
}

/** A value as it is set; null removes it. */
export interface ValueUpdate {
  customer_id: number;
  attribute_id: number;
  value: string | null;
}

/** The attribute values of one store's customers. */
export class Attributes {
  /** By customer and attribute. */
  readonly #values = new Map<string, Value>();
  readonly #byId = new Map<number, Value>();
  readonly #byCustomer = new Map<number, Set<Value>>();
  readonly #timesWritten = new Map<number, number>();
  #lastId = 0;
  /** Values set and removed by calls, each counted every time, and values listed. */
  readonly count = { applied: 0, removed: 0, read: 0 };

  /** All values of these customers, or of all, in the order of their ids. */
  list(customers?: readonly number[]): Value[] {
    if (!customers) return [...this.#byId.values()];
    const values = customers.flatMap((customer) => [...(this.#byCustomer.get(customer) ?? [])]);
    return values.sort((a, b) => a.id - b.id);
  }

  /** What a customer has, by attribute. */
  of(customer: number): Record<string, string> {
    return Object.fromEntries(this.list([customer]).map(({ attribute, value }) => [attribute, value]));
  }

  /** How many values of this customer calls have set or removed. */
  timesWritten(customer: number): number {
    return this.#timesWritten.get(customer) ?? 0;
  }

  /** Whose values these ids are. */
  ownersOf(ids: readonly number[]): number[] {
    return ids.flatMap((id) => this.#byId.get(id)?.customer ?? []);
  }

  /** Sets values as a call does. */
  set(updates: readonly ValueUpdate[]): void {
    this.change(updates);
    this.count.applied += updates.length;
    for (const { customer_id } of updates) this.#countWrite(customer_id);
  }

  /** Removes values as a call does. */
  remove(ids: readonly number[]): void {
    for (const value of ids.flatMap((id) => this.#byId.get(id) ?? [])) {
      this.#delete(value);
      this.count.removed++;
      this.#countWrite(value.customer);
    }
  }

  /** Sets and removes values as someone else would: that is counted nowhere. */
  change(updates: readonly ValueUpdate[]): void {
    for (const { customer_id: customer, attribute_id: attribute, value } of updates) {
      const has = this.#values.get(`${customer} ${attribute}`);
      if (value === null) {
        if (has) this.#delete(has);
      } else if (has) has.value = value;
      else this.#add({ id: ++this.#lastId, customer, attribute, value });
    }
  }

  #add(value: Value): void {
    this.#values.set(`${value.customer} ${value.attribute}`, value);
    this.#byId.set(value.id, value);
    this.#byCustomer.set(value.customer, (this.#byCustomer.get(value.customer) ?? new Set()).add(value));
  }

  #delete(value: Value): void {
    this.#values.delete(`${value.customer} ${value.attribute}`);
    this.#byId.delete(value.id);
    this.#byCustomer.get(value.customer)?.delete(value);
  }

  #countWrite(customer: number): void {
    this.#timesWritten.set(customer, this.timesWritten(customer) + 1);
  }
}
