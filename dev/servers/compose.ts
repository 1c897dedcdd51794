import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

const FILE = new URL('../../docker-compose.yml', import.meta.url);

/** The shell script that a service of docker-compose.yml runs with `sh -euc`. Throws if it has none. */
export async function composeScript(service: string): Promise<string> {
  const { services } = parse(await readFile(FILE, 'utf8')) as { services: Record<string, { command?: string[] }> };
  const [shell, , script] = services[service]?.command ?? [];
  if (shell !== 'sh' || script === undefined) {
    throw new Error(`docker-compose.yml: expected a service ${service} with the command sh -euc and a script`);
  }
  // Compose takes a single $ for a variable of its own.
  return script.replaceAll('$$', '$');
}
