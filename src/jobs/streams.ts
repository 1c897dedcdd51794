/** The items in batches of `size`, the last one smaller: written one by one, each would be a write of its own. */
export async function* batches<T>(items: AsyncIterable<T>, size = 1_000): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Texts in pieces of some `length` characters, the last one shorter: for the same reason, where texts may be large. */
export async function* pieces(texts: AsyncIterable<string>, length = 65_536): AsyncGenerator<string> {
  let piece = '';
  for await (const text of texts) {
    piece += text;
    if (piece.length < length) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** The same items, or undefined if there are none. */
export async function nonEmpty<T>(items: AsyncGenerator<T>): Promise<AsyncGenerator<T> | undefined> {
  const first = await items.next();
  return first.done ? undefined : startingWith(first.value, items);
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
