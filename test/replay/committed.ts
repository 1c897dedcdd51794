/** The histories that each release has left, and how they are replayed. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Worker } from '@temporalio/worker';
import { dataConverterOf } from '../../src/payloads/index.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** `<version>-<scenario>-<run, the latest first>.json.gz` each. */
export const HISTORIES = path('histories');

/** The keys of the scenario `encrypted`. They are no secret: what they encrypt is made up. */
export const KEYS_FILE = path('payload-keys.json');

/** As much of a history as is read here. */
interface History {
  events: [{ workflowExecutionStartedEventAttributes: { workflowId: string } }];
}

/** What a file is of: a version of the package, and a scenario. */
export function partsOf(file: string): { of: string; scenario: string } {
  const [, of, scenario] = /^([\d.]+)-(.+)-\d+\.json\.gz$/.exec(file) ?? [];
  if (of === undefined || scenario === undefined) throw new Error(`${file} is not the name of a history.`);
  return { of, scenario };
}

export const committed = (): string[] => readdirSync(HISTORIES);

/** Replays one of them on the workflows that were built to `dist`. Throws DeterminismViolationError where they do something else. */
export async function replayCommitted(file: string, dist: string): Promise<void> {
  const history = JSON.parse(gunzipSync(readFileSync(`${HISTORIES}/${file}`)).toString('utf8')) as History;
  const { workflowId } = history.events[0].workflowExecutionStartedEventAttributes;
  const encrypted = partsOf(file).scenario === 'encrypted';
  const workflowBundle = { codePath: `${dist}/workflow-bundle${encrypted ? '-encrypting' : ''}.js` };
  const dataConverter = await dataConverterOf(encrypted ? KEYS_FILE : undefined);
  await Worker.runReplayHistory({ workflowBundle, dataConverter }, history, workflowId);
}
