/** Prints docs/licences.md, the licences of what a worker runs with, from the lock file alone. */
import { readFileSync } from 'node:fs';

/** Licences that only ask for attribution. CC-BY-4.0 is that of caniuse-lite, a table of browsers. */
export const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'Unlicense',
];

/** Licences that a package's file LICENSE names, but not its manifest. */
const BY_FILE = { unionfs: 'Unlicense' };

/** Every package that is not only for development, with its version and licence. */
export function licences() {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path, { version, license }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { name, version, licence: license ?? BY_FILE[name] ?? 'unknown' };
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The page as it is committed. */
export function page() {
  const rows = new Set(licences().map(({ name, version, licence }) => `- ${name} ${version}: ${licence}`));
  return `# Licences

What a worker runs with, from package-lock.json, by \`npm run licences\`. All of them are permissive; a test says so.

${[...rows].join('\n')}
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.stdout.write(page());
