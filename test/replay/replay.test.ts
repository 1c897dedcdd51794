import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { BEGAN_WITH_0 } from '../../src/contract/activities.ts';
import { committed, partsOf, replay, replayCommitted, VERSION, VERSION_0 } from './committed.ts';
import { SCENARIOS } from './scenarios.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

beforeAll(() => {
  const logging = { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } as const;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
});

// Jobs that run for hours live through deploys: today's code must continue what a release has begun.
describe('a recorded history replays:', () => {
  let errors: Map<string, Error | null>;
  beforeAll(async () => {
    errors = await replayCommitted(committed(), dist);
  });
  test.each(committed())('%s', (file) => expect(errors.get(file)).toBeNull());
});

test('every scenario of this version is recorded, or none is yet', () => {
  const files = committed().map(partsOf);
  const recorded = new Set(files.filter(({ of }) => of === VERSION).map(({ scenario }) => scenario));
  if (recorded.size > 0) expect([...recorded].sort()).toEqual(Object.keys(SCENARIOS).sort());
});

test.each(['prepared', 'continued'])(
  'a job that version 0.x has %s waits with a sentence that says what to do',
  async (how) => {
    const file = `${VERSION_0}/${how}.json.gz`;
    expect((await replay([file], dist)).get(file)?.message).toContain(BEGAN_WITH_0);
  },
);

// It holds nothing but a lease, and ends by itself a minute after the last job.
test('a store that version 0.x serves is served on', async () => {
  const file = `${VERSION_0}/serve-store.json.gz`;
  expect((await replay([file], dist)).get(file)).toBeNull();
});
