/** Items put together, `size` at a time and what is left at the end: one by one they would be as many writes. */
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

/** The same items, or undefined where there is not even a first one. */
export async function nonEmpty<T>(items: AsyncGenerator<T>): Promise<AsyncGenerator<T> | undefined> {
  const first = await items.next();
  return first.done ? undefined : startingWith(first.value, items);
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
