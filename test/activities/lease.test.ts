import { Lease } from '../../src/activities/lease.ts';

/** A lease of 6 s; the test sets its clocks and answers for its server. */
function leaseOf(renew: () => Promise<'renewed' | 'gone'> = () => Promise.resolve('renewed')) {
  const clock = { now: 0, timeOfDay: 1e12 };
  const lease = new Lease({ timeoutMs: 6_000, renew, clocks: [() => clock.now, () => clock.timeOfDay] });
  return { lease, clock };
}

test('nothing may be sent before the first confirmed renewal', () => {
  const { lease } = leaseOf();
  expect(() => lease.check()).toThrow(/lost/);
});

test('it holds until one second before the server would give it away', async () => {
  const { lease, clock } = leaseOf();
  await lease.renew();
  clock.now = 4_999;
  expect(() => lease.check()).not.toThrow();
  clock.now = 5_000;
  expect(() => lease.check()).toThrow(/renewed in time/);
  expect(lease.lost.aborted).toBe(true);
  lease.stop();
});

test.each([
  ['suspended: its monotonic clock stood still', 0, 5_000],
  ['set back to another time of day', 5_000, -3_600_000],
])('it ends in time on a machine that was %s', async (_, passed, timeOfDay) => {
  const { lease, clock } = leaseOf();
  await lease.renew();
  clock.now += passed;
  clock.timeOfDay += timeOfDay;
  expect(() => lease.check()).toThrow(/renewed in time/);
});

test('its time counts from when the renewal was sent, not from when it was confirmed', async () => {
  let clock = { now: 0, timeOfDay: 0 };
  const made = leaseOf(() => {
    clock.now = 3_000;
    return Promise.resolve('renewed');
  });
  clock = made.clock;
  await made.lease.renew();
  clock.now = 5_000;
  expect(() => made.lease.check()).toThrow(/renewed in time/);
  made.lease.stop();
});

test('once lost it stays lost, whatever the server says later', async () => {
  const { lease, clock } = leaseOf();
  await lease.renew();
  clock.now = 60_000;
  expect(() => lease.check()).toThrow();
  await expect(lease.renew()).rejects.toThrow(/lost/);
  expect(() => lease.check()).toThrow();
});

test('a failed renewal leaves it as it was; a server that gave it away ends it at once', async () => {
  const answers: (() => Promise<'renewed' | 'gone'>)[] = [
    () => Promise.resolve('renewed'),
    () => Promise.reject(new Error('unavailable')),
    () => Promise.resolve('gone'),
  ];
  const { lease } = leaseOf(() => (answers.shift() as (typeof answers)[0])());
  await lease.renew();
  await expect(lease.renew()).rejects.toThrow('unavailable');
  expect(() => lease.check()).not.toThrow();
  await expect(lease.renew()).rejects.toThrow(/another attempt/);
  expect(() => lease.check()).toThrow(/another attempt/);
});

test('requests in flight are aborted when it runs out, without anybody checking', async () => {
  const lease = new Lease({ timeoutMs: 1_020, renew: () => Promise.resolve('renewed') });
  await lease.renew();
  await new Promise((resolve) => lease.lost.addEventListener('abort', resolve));
  expect(() => lease.check()).toThrow(/renewed in time/);
});
