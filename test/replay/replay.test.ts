import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { committed, partsOf, replayCommitted } from './committed.ts';
import { SCENARIOS } from './scenarios.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

// Jobs that run for hours live through deploys: what a release has begun must go on with the code of today.
test.each(committed())('%s replays', (file) => replayCommitted(file, dist));

test('of this version, every scenario is recorded, or none is as yet', () => {
  const files = committed().map(partsOf);
  const recorded = new Set(files.filter(({ of }) => of === version).map(({ scenario }) => scenario));
  if (recorded.size > 0) expect([...recorded].sort()).toEqual(Object.keys(SCENARIOS).sort());
});
