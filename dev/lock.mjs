// Only one process at a time may install or build. Plain JavaScript without imports from node_modules, like ready.mjs.
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether there is a process with this id. */
export function runs(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // It exists, but is somebody else's.
    return error.code === 'EPERM';
  }
}

/** Takes the lock at `path` and returns what releases it; calls `wait` with the process that holds it. */
export async function lock(path, wait) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = String(process.pid);
  for (let seen; ; await sleep(200)) {
    try {
      // Unlike a file, a link has its content from the start.
      symlinkSync(mine, path);
      return () => rmSync(path);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = linkAt(path);
    // The holder was killed; in a container, new processes often get the same id.
    if (holder === mine || (holder && !runs(holder))) rmSync(path, { force: true });
    else if (holder && holder !== seen) wait((seen = holder));
  }
}

/** What a link contains; undefined if it is gone. */
function linkAt(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
