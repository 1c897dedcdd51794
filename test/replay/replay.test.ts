import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { committed, replayCommitted } from './committed.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

// Jobs that run for hours live through deploys: what a release has begun must go on with the code of today.
test.each(committed())('%s replays', (file) => replayCommitted(file, dist));
