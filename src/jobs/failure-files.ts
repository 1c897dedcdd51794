/**
 * Failures that are not in workflow state: files of newline-delimited JSON, sorted by row. The first line names the file
 * of older ones, so that the newest file leads to all of them.
 */
import type { Failure } from '../contract/job.ts';
import type { Storage } from '../storage/storage.ts';
import { failuresKey } from './keys.ts';
import { ndjsonRecords } from './sources/ndjson.ts';

// Failures put together for one write to the disk.
const BATCH = 1_000;

/**
 * Writes failures into a file that names `olderIn` as the one before it; returns the file's URI. A list may have any
 * order, an iterable comes by row.
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

/** The files from the one at `uri` to the oldest, as keys. Iterating throws where one is missing or damaged. */
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

/** The failures in the file at `uri` and all older ones: the newest file first, each by row. */
export async function* readFailures(storage: Storage, uri: string | null): AsyncGenerator<Failure> {
  for await (const key of failureFiles(storage, uri)) yield* failuresIn(storage, key);
}

async function* values(storage: Storage, key: string): AsyncGenerator<unknown[]> {
  for await (const records of ndjsonRecords(storage.read(key))) {
    yield records.map((record) => {
      if (record.problem !== undefined) throw damaged(storage, key);
      return record.value;
    });
  }
}

const damaged = (storage: Storage, key: string): Error =>
  new Error(`The file of failures ${storage.uri(key)} is damaged.`);
