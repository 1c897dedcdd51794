import { startProgram } from '../../dev/servers/processes.ts';
import type { System } from './system.ts';

/** How a starter ended, and what it printed. */
export interface Started {
  code: number | null;
  output: string;
  /** What it printed on standard output. */
  stdout: string;
}

/** Runs our starter without a terminal, in `cwd` if that matters, with these settings on top of the system's. */
export async function runStarter(
  system: System,
  args: string[],
  cwd?: string,
  settings: Record<string, string> = {},
): Promise<Started> {
  const dist = new URL('../../dist/starter.js', import.meta.url).pathname;
  const program = startProgram(process.execPath, [dist, ...args], { env: { ...system.env, ...settings }, cwd });
  const { code } = await program.exited;
  return { code, output: program.output(), stdout: program.stdout() };
}
