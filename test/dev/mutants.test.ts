import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const folder = 'test/mutants';

// `npm run mutants`, which sees the tests go red, takes minutes.
test.each(readdirSync(folder))('the mutant %s applies to the current code', (name) => {
  const { status, stderr } = spawnSync('git', ['apply', '--check', `${folder}/${name}`], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
