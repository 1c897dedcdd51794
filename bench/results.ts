/** Results for people: markdown tables, printed and saved. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { sql } from '../dev/servers/postgres.ts';
import { SERVER_VERSION } from '../dev/servers/temporal-server-build.ts';
import { testDatabase } from '../test/support/server.ts';

const FOLDER = new URL('results/', import.meta.url);

/** What the figures were measured on. */
export async function machine(): Promise<string> {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${cpu?.model.trim()}), ${memory} GiB, Node ${process.version}; ${await serverName()}, the emulator and the worker all on it. ${new Date().toISOString().slice(0, 10)}.`;
}

async function serverName(): Promise<string> {
  const database = testDatabase();
  if (database === undefined) return 'the Temporal dev server (in memory, task queues unthrottled)';
  const version = await sql(database, 'postgres', 'SHOW server_version');
  return `Temporal's server ${SERVER_VERSION} on PostgreSQL ${version} (\`--server postgres\`; settings of docker-compose.yml)`;
}

/** A markdown table; the first row is the heading. */
export function table([heading = [], ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Saves a result with the others, and prints it; on PostgreSQL `name.md` becomes `name-postgres.md`. */
export async function save(file: string, text: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const name = testDatabase() === undefined ? file : file.replace('.', '-postgres.');
  await writeFile(new URL(name, FOLDER), `${text}\n`);
  if (file.endsWith('.md')) console.log(`${text}\n`);
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/** Median, lowest and highest, such as `0.93 (0.91–0.94)`. */
export function spread(values: number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${least}–${most})`;
}
