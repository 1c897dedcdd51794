import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const root = `${__dirname}/../..`;

/** What the script prints; jest can't load the module. */
function told(expression: string): string {
  const code = `import('${root}/dev/licences.mjs').then((it) => process.stdout.write(${expression}))`;
  return spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' }).stdout;
}

test('docs/licences.md is what the lock file says', () => {
  expect(readFileSync(`${root}/docs/licences.md`, 'utf8')).toBe(told('it.page()'));
});

test("every licence of a worker's dependencies is permissive", () => {
  const found = JSON.parse(told('JSON.stringify(it.licences())')) as { name: string; licence: string }[];
  const permissive = JSON.parse(told('JSON.stringify(it.PERMISSIVE)')) as string[];
  expect(found.length).toBeGreaterThan(100);
  const others = found.filter(({ licence }) => !licence.split(' AND ').every((one) => permissive.includes(one)));
  expect(others).toEqual([]);
});
