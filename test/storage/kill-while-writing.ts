/** A process that is killed with SIGKILL while it writes to a folder. Run as a program, this file is that process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FileStorage } from '../../src/storage/file.ts';

/** Kills a process that is in the middle of writing all of these files. */
export async function killWhileWriting(root: string, keys: string[]): Promise<void> {
  const program = fileURLToPath(new URL('kill-while-writing.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, fileURLToPath(root), ...keys]);
  const exited = once(child, 'exit');
  child.stderr.pipe(process.stderr);
  await Promise.race([once(child.stdout, 'data'), exited]);
  child.kill('SIGKILL');
  expect(await exited).toEqual([null, 'SIGKILL']);
}

const [, program, folder, ...files] = process.argv;
if (folder !== undefined && program === fileURLToPath(import.meta.url)) {
  const storage = new FileStorage(folder);
  let begun = 0;
  async function* endless() {
    yield 'half';
    if (++begun === files.length) console.log('writing');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  void Promise.all(files.map((key) => storage.write(key, endless())));
}
