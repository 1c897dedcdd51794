import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function filesIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

test('the committed JSON Schemas are those that `npm run schemas` makes today', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'schemas-'));
  const made = startProgram(process.execPath, ['--import', 'tsx', 'dev/json-schemas.ts', fresh], { cwd: root });
  expect([(await made.exited).code, made.output()]).toEqual([0, '']);
  expect(await filesIn(join(root, 'schemas'))).toEqual(await filesIn(fresh));
  await rm(fresh, { recursive: true });
});
