import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

// Lists every module that is loaded, whether imported or required.
const LIST = `
  import { appendFileSync } from 'node:fs';
  import { createRequire, register } from 'node:module';
  const hook =
    'import { appendFileSync } from "node:fs"; export const load = (url, context, next) => ' +
    '(appendFileSync(process.env.LIST, url + "\\\\n"), next(url, context));';
  register('data:text/javascript,' + encodeURIComponent(hook));
  await import(process.argv[1]);
  appendFileSync(process.env.LIST, Object.keys(createRequire(import.meta.url).cache).join('\\n'));
`;

/** Every module that a process loads when it imports this one of ours. */
function loadedBy(path: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'loaded-'));
  try {
    const env = { ...process.env, LIST: join(folder, 'list') };
    const args = ['--input-type=module', '--eval', LIST, `${root}dist/${path}`];
    const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: root, env });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    return readFileSync(env.LIST, 'utf8').split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const FOREIGN = /@temporalio\/(worker|core-bridge|activity|testing)|@aws-sdk|@smithy|undici|pino|commander/;

test('the client loads neither the worker nor S3, and of ours only what it needs', () => {
  const loaded = loadedBy('client.js');
  expect(loaded).toContainEqual(expect.stringContaining('/@temporalio/client/lib/'));
  expect(loaded.filter((path) => FOREIGN.test(path))).toEqual([]);
  const ours = loaded.flatMap((path) => /\/dist\/(.*)/.exec(path.replace(/.*node_modules.*/, ''))?.[1] ?? []);
  expect(ours).toContain('client/start.js');
  expect(ours.filter((path) => /^(workflows|activities|bigcommerce|starter|worker)\//.test(path))).toEqual([]);
});

test('the list of loaded modules would name them', () => {
  expect(loadedBy('activities/serve-store-queue.js').filter((path) => FOREIGN.test(path)).length).toBeGreaterThan(10);
  expect(loadedBy('storage/s3.js').filter((path) => FOREIGN.test(path)).length).toBeGreaterThan(10);
});
