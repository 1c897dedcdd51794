/**
 * Failures that are not in workflow state: files of newline-delimited JSON, sorted by row. The first line of each names
 * the next older file, so the newest one leads to all of them.
 */
import type { Failure } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';
import { failuresKey } from './keys.ts';
import { jsonLines } from './sources/json.ts';
import { textOf } from './sources/text.ts';

// Failures per write to the disk.
const BATCH = 1_000;

/**
 * Writes failures into a file that names `olderIn` as the next older one. Returns the file's URI. An array may be in
 * any order, an iterable must be sorted by row.
 */
export async function saveFailures(
  storage: Storage,
  key: string,
  failures: readonly Failure[] | AsyncIterable<Failure>,
  olderIn: string | null,
): Promise<string> {
  const byRow = Symbol.asyncIterator in failures ? failures : [...failures].sort((a, b) => a.row - b.row);
  await storage.write(key, lines(byRow, olderIn));
  return storage.uri(key);
}

async function* lines(failures: Iterable<Failure> | AsyncIterable<Failure>, olderIn: string | null) {
  let batch = [JSON.stringify({ olderIn })];
  for await (const failure of failures) {
    batch.push(JSON.stringify(failure));
    if (batch.length < BATCH) continue;
    yield `${batch.join('\n')}\n`;
    batch = [];
  }
  if (batch.length > 0) yield `${batch.join('\n')}\n`;
}

/** The keys of the files, from the one at `uri` to the oldest. Iterating throws if one is missing or damaged. */
export async function* failureFiles(storage: Storage, uri: string | null): AsyncGenerator<string> {
  for (let next = uri; next !== null;) {
    const key = failuresKey(next);
    if (key === undefined) throw new Error(`Expected a file of failures below ${storage.root}, got ${next}.`);
    yield key;
    next = await olderFile(storage, key);
  }
}

async function olderFile(storage: Storage, key: string): Promise<string | null> {
  for await (const batch of values(storage, key)) return (batch[0] as { olderIn: string | null }).olderIn;
  throw damaged(storage, key);
}

/** The failures in one file, by row. */
export async function* failuresIn(storage: Storage, key: string): AsyncGenerator<Failure> {
  let first = true;
  for await (const batch of values(storage, key)) {
    yield* (first ? batch.slice(1) : batch) as Failure[];
    first = false;
  }
}

/** The failures in the file at `uri` and in all older ones: the newest file first, each sorted by row. */
export async function* readFailures(storage: Storage, uri: string | null): AsyncGenerator<Failure> {
  for await (const key of failureFiles(storage, uri)) yield* failuresIn(storage, key);
}

async function* values(storage: Storage, key: string): AsyncGenerator<unknown[]> {
  for await (const records of jsonLines(textOf(storage.read(key)))) {
    yield records.map((record) => {
      if (record.problem !== undefined) throw damaged(storage, key);
      return record.value;
    });
  }
}

const damaged = (storage: Storage, key: string): Error =>
  new Error(`The file of failures ${storage.uri(key)} is damaged.`);
