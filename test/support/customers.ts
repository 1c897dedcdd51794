import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { System } from './system.ts';

/** Customers 1 to n, each with a note of its own. */
export function customers(n: number): { id: number; [field: string]: unknown }[] {
  return Array.from({ length: n }, (_, index) => ({ id: index + 1, notes: `note ${index + 1}` }));
}

/** Writes rows as NDJSON where the system's workers look for sources; returns the URI. */
export async function writeSource(system: System, name: string, rows: unknown[]): Promise<string> {
  const path = `${system.folder}/data/sources/${name}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return `file://${path}`;
}
