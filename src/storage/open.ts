import { fileURLToPath, pathToFileURL } from 'node:url';
import { FileStorage } from './file.ts';
import { checkKey, type Storage } from './storage.ts';

/**
 * The storage that a URI names: `file:./data` (relative to the folder `base`), `file:/abs/dir` or `file:///abs/dir`;
 * `s3://bucket` or `s3://bucket/prefix`, taken literally, without percent-encoding. Does not access it yet. Rejects
 * with RangeError for any other URI.
 */
export async function openStorage(uri: string, base: string): Promise<Storage> {
  const folder = uri.startsWith('file:') ? folderOf(uri, base) : undefined;
  if (folder !== undefined) return new FileStorage(folder);
  const place = placeInS3(uri);
  if (place !== undefined) {
    // The AWS SDK takes a tenth of a second to load, so only those who use it wait for it.
    const { S3Storage, s3Client } = await import('./s3.ts');
    return new S3Storage(await s3Client(), place.bucket, place.prefix);
  }
  throw new RangeError(
    `Expected file:./folder, file:///absolute/folder, s3://bucket or s3://bucket/prefix, got ${JSON.stringify(uri)}.`,
  );
}

function folderOf(uri: string, base: string): string | undefined {
  const url = new URL(uri, pathToFileURL(`${base}/`));
  const plain = url.host === '' && url.search === '' && url.hash === '' && !/%2f|%00/i.test(url.pathname);
  return plain ? fileURLToPath(url) : undefined;
}

function placeInS3(uri: string): { bucket: string; prefix: string | undefined } | undefined {
  const [, bucket, prefix] = /^s3:\/\/([\w.-]+)(?:\/(.+?))?\/?$/.exec(uri) ?? [];
  if (bucket === undefined) return undefined;
  try {
    return { bucket, prefix: prefix === undefined ? undefined : checkKey(prefix) };
  } catch {
    return undefined;
  }
}
