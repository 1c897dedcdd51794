/** The same items, or undefined where there is not even a first one. */
export async function nonEmpty<T>(items: AsyncGenerator<T>): Promise<AsyncGenerator<T> | undefined> {
  const first = await items.next();
  return first.done ? undefined : startingWith(first.value, items);
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
