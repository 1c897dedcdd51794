/** Sources of any size are read in little memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';

const folder = mkdtempSync(join(tmpdir(), 'little-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Gzip of this many bytes, in members of 16 MB that take a few KB each. */
function bomb(text: string, bytes: number): Buffer {
  const member = gzipSync(Buffer.alloc(16_000_000, text), { level: 9 });
  return Buffer.concat(Array<Buffer>(Math.ceil(bytes / 16_000_000)).fill(member));
}

/** This many customers with notes of this many characters, one of which makes memory need two bytes for each. */
function noted(customers: number, characters: number): Buffer {
  const rest = Buffer.from(`,"notes":"漢${'x'.repeat(characters - 1)}"}\n`);
  const lines = Array.from({ length: customers }, (_, index) => [Buffer.from(`{"id":${index + 1}`), rest]);
  return Buffer.concat(lines.flat());
}

/** Reads a source in a process with 64 MB of heap, which would die if it needed more. */
function readInLittleMemory(path: string): { result: string; rss: number } {
  const script = join(__dirname, 'reading.ts');
  const node = spawnSync(process.execPath, ['--max-old-space-size=64', '--import', 'tsx', script, path], {
    encoding: 'utf8',
    timeout: FUZZ_MS,
  });
  if (node.status !== 0) throw new Error(`Reading ${path} ended with ${node.status ?? node.signal}: ${node.stderr}`);
  return JSON.parse(node.stdout) as { result: string; rss: number };
}

// In `npm run fuzz`, the largest that is read to its end.
const bytes = RUNS >= 10_000 ? 10_000_000_000 : 200_000_000;
const tooMuch = RUNS >= 10_000 ? /at most 8,192,000,000 bytes, unpacked/ : /^\d+ rows, 0 valid$/;

test.each<[string, string, () => Buffer, RegExp]>([
  ['a bomb of zeros as CSV', 'a.csv.gz', () => bomb('\0', bytes), /zero bytes/],
  ['a bomb of one heading', 'b.csv.gz', () => bomb('x', bytes), /lines of at most 1,048,576/],
  ['a bomb of zeros as JSON', 'c.json.gz', () => bomb('\0', bytes), /zero bytes/],
  ['a bomb of white space as JSON', 'd.json.gz', () => bomb(' ', bytes), tooMuch],
  ['a bomb that is one line', 'e.ndjson.gz', () => bomb('x', bytes), /not JSON/],
  ['a bomb of blank lines', 'f.ndjson.gz', () => bomb('\n', bytes), tooMuch],
  ['customers of a mebibyte each', 'h.ndjson', () => noted(300, 1_040_000), /^300 rows, 0 valid$/],
  ['the largest customers that are sent', 'i.ndjson', () => noted(6_000, 65_490), /^6000 rows, 6000 valid$/],
  ['a great many customers', 'j.ndjson', () => noted(300_000, 1_000), /^300000 rows, 300000 valid$/],
  ['a line of 400 MB', 'g.ndjson', () => Buffer.alloc(400_000_000, 'x'), /not JSON/],
])(
  '%s is read in a process with 64 MB of heap',
  async (_, name, make, expected) => {
    const path = join(folder, name);
    await writeFile(path, make());
    const { result, rss } = readInLittleMemory(path);
    expect(result).toMatch(expected);
    expect(rss).toBeLessThan(400e6);
    await rm(path);
  },
  FUZZ_MS,
);
