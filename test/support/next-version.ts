/** A next version of this package, built for real from changed sources. */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../../dev/servers/processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A change of a file: the first text, which must be there, becomes the second one. */
export type Edit = [file: string, from: string, to: string];

/** Copies what is built to `folder`, changes it and builds it there; returns its `dist`. Throws what the build prints where it fails. */
export async function buildChanged(folder: string, edits: Edit[]): Promise<string> {
  const parts = ['src', 'emulator', 'dev', 'package.json', 'tsconfig.base.json'];
  await Promise.all(parts.map((part) => cp(join(ROOT, part), join(folder, part), { recursive: true })));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, from, to] of edits) {
    const text = await readFile(join(folder, file), 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has changed: expected ${JSON.stringify(from)} there.`);
    await writeFile(
      join(folder, file),
      text.replace(from, () => to),
    );
  }
  const build = startProgram(process.execPath, [join(folder, 'dev/build.mjs')]);
  if ((await build.exited).code !== 0) throw new Error(`The changed version can't be built:\n${build.output()}`);
  return join(folder, 'dist');
}
