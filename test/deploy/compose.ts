/** What Compose makes of docker-compose.yml, and how its commands run with the ports and paths of this machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { freePorts } from '../../dev/servers/ports.ts';
import { startProgram, type Exit, type Program } from '../../dev/servers/processes.ts';
import { noSettings } from '../support/system.ts';

const run = promisify(execFile);

/** A service, as far as tests look at it. */
export interface Service {
  image: string;
  environment?: Record<string, string>;
  entrypoint?: string[];
  command?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  ports?: string[];
  volumes?: string[];
}

/** The file, with the variables of the folder's `.env`, references resolved. */
export interface Composed {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
}

/** Has Compose read the file in `folder`. Throws its complaints, or what to install if there is no Compose. */
export async function compose(folder: string): Promise<Composed> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const { stdout } = await run('docker-compose', ['config'], { cwd: folder, env }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('Expected docker-compose on the PATH, found none. On Debian: apt-get install -y docker-compose');
  });
  // Printed so that Compose can read it again.
  return parse(stdout.replaceAll('$$', '$')) as Composed;
}

const ADDRESS = /\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost|temporal|s3|worker|prometheus):(\d{4})\b/g;

/** Where this machine has what containers know by name. */
export interface Here {
  /** A container's port → ours. */
  ports: Readonly<Record<string, number>>;
  /** `text`, which is for a container, with the ports and paths of this machine. */
  say(text: string): string;
}

/** Gives a free port to each one that `told` names in an address, except for those that are known. */
export async function placesHere(
  told: unknown,
  known: Readonly<Record<string, number>>,
  paths: readonly [there: string, here: string][],
): Promise<Here> {
  const named = Array.from(JSON.stringify(told).matchAll(ADDRESS), ([, port = '']) => port);
  const unknown = [...new Set(named)].filter((port) => !(port in known));
  const free = await freePorts(unknown.length);
  const ports = { ...Object.fromEntries(unknown.map((port, index) => [port, free[index] as number])), ...known };
  return {
    ports,
    say: (text) =>
      paths
        .reduce((text, [there, here]) => text.replaceAll(there, here), text)
        .replace(ADDRESS, (address, port: string) => (port in ports ? `127.0.0.1:${ports[port]}` : address))
        .replace(/^\d{4}$/, (port) => String(ports[port] ?? port)),
  };
}

/** A command that is ready to run. */
export interface Command {
  argv: readonly string[];
  env: Record<string, string | undefined>;
  cwd?: string;
}

export function start({ argv: [file = '', ...args], env, cwd }: Command): Program {
  return startProgram(file, args, { env: { ...noSettings(), ...env }, cwd });
}

/** Runs a command to its end. */
export async function runToEnd(command: Command): Promise<Exit & { output: string }> {
  const program = start(command);
  const exit = await program.exited;
  return { ...exit, output: program.output() };
}
