/** Reads the source at a path as a job would, and prints what it came to and the most memory that this process had. */
import { basename, dirname } from 'node:path';
import { openSource } from '../../src/jobs/sources/source.ts';
import { FileStorage } from '../../src/storage/file.ts';

const path = process.argv[2] as string;
const folder = new FileStorage(dirname(path));
let rows = 0;
let result: string;
try {
  const csv = { blankCells: 'keep', ignoreColumns: [] } as const;
  for await (const records of openSource({ uri: folder.uri(basename(path)) }, [folder], csv)) rows += records.length;
  result = `${rows} rows`;
} catch (error) {
  result = (error as Error).message;
}
console.log(JSON.stringify({ result, rss: process.resourceUsage().maxRSS * 1024 }));
