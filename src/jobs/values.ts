/** Fields of a customer with their values, as the API takes and tells them. */
export type Values = Record<string, unknown>;

/** A row of a source: a customer's id, and the fields that it sets. */
export type Row = { id: number } & Values;
