/** Jobs that wait for the same store, and whose calls go first. */
import { type JobOptions, progressQuery } from '../../src/contract/job.ts';
import { customers } from '../support/customers.ts';
import { untilDone } from '../support/jobs.ts';
import { type JobHandle, type System, useSystem } from '../support/system.ts';

const EMULATOR = ['--customers', '1000', '--latency', '500'];

const start = (system: System, name: string, count: number, options: JobOptions = {}) =>
  system.start(name, { storeHash: 'abc', source: { customers: customers(count) }, options });

/** What a job of fifty customers takes beside large ones that wait for each other already: seconds, and all jobs' calls. */
async function besideLargeOnes(system: System, large: number, options: JobOptions = {}) {
  const name = `${large} ${JSON.stringify(options)}`;
  const others = await Promise.all(Array.from({ length: large }, (_, n) => start(system, `${name} ${n}`, 1_000)));
  for (const other of others) await untilDone(other, 1);
  const began = performance.now();
  const { puts: before = 0 } = await system.stats();
  const { customers } = await (await start(system, name, 50, options)).result();
  const { puts: after = 0 } = await system.stats();
  const seconds = (performance.now() - began) / 1_000;
  expect(customers).toMatchObject({ total: 50, updated: 50 });
  await Promise.all(others.map((other) => other.terminate()));
  return { seconds, calls: after - before };
}

describe('on a server with priorities', () => {
  const system = useSystem({ emulator: EMULATOR });

  test.each([
    [1, 3],
    [20, 200],
  ])('fifty customers overtake the calls of %i large jobs that wait already', async (large, overtaken) => {
    const without = await besideLargeOnes(system, large);
    const first = await besideLargeOnes(system, large, { priority: 1 });
    const words = ({ seconds, calls }: typeof first) => `${seconds.toFixed(1)} s, ${calls} calls of all jobs`;
    console.info(
      `50 customers beside ${large} jobs of 1,000, at 500 ms a call: ${words(without)}; with priority 1: ${words(first)}`,
    );
    expect(without.calls - first.calls).toBeGreaterThan(overtaken);
  });

  test('jobs of the same priority take turns, and those of a lower one wait', async () => {
    const done = async (job: JobHandle) => (await job.query(progressQuery)).chunks.done;
    const last = await start(system, 'last', 500, { priority: 5 });
    await untilDone(last, 1);
    const equals = await Promise.all(['one', 'other'].map((name) => start(system, name, 300, { priority: 2 })));
    for (const job of equals) await untilDone(job, 2);
    const before = await done(last);
    await Promise.race(equals.map((job) => job.result()));
    // With the same priority it would have done thirty, as they have.
    expect(await done(last)).toBeLessThan(before + 20);
    expect(Math.min(...(await Promise.all(equals.map(done))))).toBeGreaterThan(20);
    expect((await last.result()).customers).toMatchObject({ total: 500, updated: 500 });
  });
});

describe('on a server without', () => {
  const system = useSystem({ emulator: EMULATOR, server: { dynamicConfig: { 'matching.useNewMatcher': false } } });

  test('jobs with a priority are jobs like any other', async () => {
    const { calls } = await besideLargeOnes(system, 5, { priority: 1 });
    expect(calls).toBeGreaterThan(30);
  });
});
