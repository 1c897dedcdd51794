import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

const FILE = new URL('../../docker-compose.yml', import.meta.url);

/** The shell script that a service of docker-compose.yml runs: what `sh -euc` is given. Throws where the service has none. */
export async function composeScript(service: string): Promise<string> {
  const { services } = parse(await readFile(FILE, 'utf8')) as { services: Record<string, { command?: string[] }> };
  const [shell, , script] = services[service]?.command ?? [];
  if (shell !== 'sh' || script === undefined) {
    throw new Error(
      `docker-compose.yml has no service ${service} with a script: its command was expected to be sh -euc …`,
    );
  }
  // Compose would take a single $ as a variable of its own.
  return script.replaceAll('$$', '$');
}
