// One at a time may install or build. Plain JavaScript without imports from node_modules, like ready.mjs.
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether there is a process of this id. */
export function runs(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return error.code === 'EPERM';
  }
}

/** Takes the lock at `path`, and resolves to what gives it back; `wait` is told the process that holds it. */
export async function lock(path, wait) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = String(process.pid);
  for (let told; ;) {
    try {
      // A link is made at once with what it says, unlike a file.
      symlinkSync(mine, path);
      return () => rmSync(path);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf(path);
    // Killed without giving it back; a container's processes get the same ids each time.
    if (holder === mine || (holder !== undefined && !runs(holder))) {
      rmSync(path, { force: true });
    } else if (holder !== undefined) {
      if (holder !== told) wait(holder);
      told = holder;
      await sleep(200);
    }
  }
}

/** The process that holds the lock; undefined where it was just given back. */
function holderOf(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
