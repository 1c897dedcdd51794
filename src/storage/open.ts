import { fileURLToPath, pathToFileURL } from 'node:url';
import { FileStorage } from './file.ts';
import type { Storage } from './storage.ts';

/**
 * The storage a URI names: `file:./data` (relative to the folder `base`), `file:/abs/dir` or `file:///abs/dir`.
 * Throws RangeError for any other.
 */
export function openStorage(uri: string, base: string): Storage {
  const folder = uri.startsWith('file:') ? folderOf(uri, base) : undefined;
  if (folder !== undefined) return new FileStorage(folder);
  throw new RangeError(`Expected file:./folder or file:///absolute/folder, got ${JSON.stringify(uri)}.`);
}

function folderOf(uri: string, base: string): string | undefined {
  const url = new URL(uri, pathToFileURL(`${base}/`));
  const plain = url.host === '' && url.search === '' && url.hash === '' && !/%2f|%00/i.test(url.pathname);
  return plain ? fileURLToPath(url) : undefined;
}
