/** The recorded histories, and how they are replayed. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { dataConverterOf } from '../../src/payloads/index.ts';

/** In the names that JSON gives them. */
type History = { events: temporal.api.history.v1.IHistoryEvent[] };

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The package's version; a history recorded before a release counts as the release's. */
export const VERSION = (
  JSON.parse(readFileSync(path('../../package.json'), 'utf8')) as { version: string }
).version.replace(/-.*/, '');

/** `<version>-<scenario>-<run, the latest first>.json.gz` each. */
export const HISTORIES = path('histories');

/** Of jobs and a store that version 0.3.0 began. */
export const VERSION_0 = path('version-0');

/** The keys of the scenario `encrypted`. They are no secret: what they encrypt is made up. */
export const KEYS_FILE = path('payload-keys.json');

/** What a file was recorded from: a version of the package, and a scenario. */
export function partsOf(file: string): { of: string; scenario: string } {
  const [, of, scenario] = /^([\d.]+)-(.+)-\d+\.json\.gz$/.exec(file) ?? [];
  if (of === undefined || scenario === undefined) throw new Error(`${file} is not the name of a history.`);
  return { of, scenario };
}

export const committed = (): string[] => readdirSync(HISTORIES);

export const readHistory = (file: string): History => parse(inHistories(file));

/**
 * Replays histories on the workflows that were built to `dist`. The result has, by file, a DeterminismViolationError if
 * they do something else than the history says, a ReplayError if a task of theirs fails, otherwise null.
 */
export async function replay(files: string[], dist: string, encrypted = false): Promise<Map<string, Error | null>> {
  const workflowBundle = { codePath: `${dist}/workflow-bundle${encrypted ? '-encrypting' : ''}.js` };
  const dataConverter = await dataConverterOf(encrypted ? KEYS_FILE : undefined);
  const histories = files.map((file) => {
    const history = parse(file);
    const { workflowId } = history.events[0]?.workflowExecutionStartedEventAttributes ?? {};
    return { history, workflowId: workflowId ?? '' };
  });
  const errors: (Error | null)[] = [];
  // In their order, one at a time.
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, histories)) {
    errors.push(error ?? null);
  }
  return new Map(files.map((file, index) => [file, errors[index] ?? null]));
}

/** Replays the committed histories that these are the names of, as `replay` does. */
export async function replayCommitted(names: string[], dist: string): Promise<Map<string, Error | null>> {
  const isEncrypted = (name: string) => partsOf(name).scenario === 'encrypted';
  const plain = await replay(names.filter((name) => !isEncrypted(name)).map(inHistories), dist);
  const encrypted = await replay(names.filter(isEncrypted).map(inHistories), dist, true);
  return new Map([...plain, ...encrypted].map(([file, error]) => [basename(file), error]));
}

const inHistories = (name: string) => join(HISTORIES, name);
const parse = (file: string) => JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as History;
