import { readFile } from 'node:fs/promises';

const FILE = new URL('../docker-compose.yml', import.meta.url);

/** The shell script that a service of docker-compose.yml runs: what stands below its `- |`. Throws where the service has none. */
export async function composeScript(service: string): Promise<string> {
  const text = await readFile(FILE, 'utf8');
  const [, about = ''] = new RegExp(String.raw`^  ${service}:\n((?:    .*\n|\n)*)`, 'm').exec(text) ?? [];
  const [, script] = /^      - \|\n((?:        .*\n|\n)+)/m.exec(about) ?? [];
  if (script === undefined) {
    throw new Error(
      `docker-compose.yml has no service ${service} with a script: its command was expected to end in "- |".`,
    );
  }
  // Compose would take a single $ as a variable of its own.
  return script.replaceAll(/^ {8}/gm, '').replaceAll('$$', '$');
}
