/**
 * Prepares a job from the source at a path, reads its chunks as the activities that send them do, and prints the result
 * and this process's peak memory.
 */
import { basename, dirname } from 'node:path';
import { jobKeys } from '../../src/jobs/keys.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { openSource } from '../../src/jobs/sources/source.ts';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import { FileStorage } from '../../src/storage/file.ts';

const path = process.argv[2] as string;
const storage = new FileStorage(dirname(path));
const keys = jobKeys({ storeHash: 'abc', key: 'run-1' });
let rss = 0;
// The system's own peak would include the memory of the process that started this one.
const look = () => {
  rss = Math.max(rss, process.memoryUsage.rss());
};
setInterval(look, 10).unref();
let result: string;
try {
  const records = openSource({ uri: storage.uri(basename(path)) }, [storage], jobOptionsSchema.parse({}));
  const { total, valid, chunks } = await prepare({ storage, keys, records, limit: null });
  const pages = new PageReader(storage);
  for (let chunk = 0; chunk < chunks; chunk++) await pages.readChunk(keys, chunk);
  result = `${total} rows, ${valid} valid`;
} catch (error) {
  result = (error as Error).message;
}
look();
console.log(JSON.stringify({ result, rss }));
