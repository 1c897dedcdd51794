import { Rate } from '../../src/workflows/rate.ts';

test('there is no rate before two chunks are done', () => {
  const rate = new Rate();
  expect(rate.at(1_000)).toBeUndefined();
  rate.add(0, 1);
  expect(rate.at(1_000)).toBeUndefined();
});

test('there is no rate at the instant of the first chunk', () => {
  const rate = new Rate();
  for (const calls of [1, 1]) rate.add(5_000, calls);
  expect(rate.at(5_000)).toBeUndefined();
});

test('slow chunks: the rate is that of the latest hundred', () => {
  const rate = new Rate();
  for (let chunk = 0; chunk < 500; chunk++) rate.add(chunk * 1_000, 1);
  for (let chunk = 0; chunk < 100; chunk++) rate.add(500_000 + chunk * 10_000, 2);
  expect(rate.at(1_490_000)).toEqual({ unitsPerSecond: 0.1, callsPerSecond: 0.2 });
});

test('slow chunks: the latest hundred count, however long ago the first of them was', () => {
  const rate = new Rate();
  for (const at of [0, 1]) rate.add(at, 1);
  for (let chunk = 0; chunk < 99; chunk++) rate.add(1_000_001 + chunk * 10_000, 1);
  expect(rate.at(1_980_001)).toEqual({ unitsPerSecond: 99 / 1_980, callsPerSecond: 99 / 1_980 });
});

test('fast chunks: the rate is that of two minutes, so that it does not rise and fall with the quota', () => {
  const rate = new Rate();
  // A quota of 150 calls in 30 s: in each window they go out within 15 s, then the job waits.
  for (let window = 0; window < 20; window++) {
    for (let call = 0; call < 150; call++) rate.add(window * 30_000 + call * 100, 1);
  }
  for (const waitedMs of [0, 7_500, 15_000]) {
    const { callsPerSecond } = rate.at(19 * 30_000 + 15_000 + waitedMs) ?? { callsPerSecond: 0 };
    expect(callsPerSecond).toBeGreaterThan(4.4);
    expect(callsPerSecond).toBeLessThan(5.7);
  }
});

test('a rate without new chunks falls with time', () => {
  const rate = new Rate();
  rate.add(0, 1);
  rate.add(1_000, 1);
  expect(rate.at(1_000)?.unitsPerSecond).toBe(1);
  expect(rate.at(10_000)?.unitsPerSecond).toBe(0.1);
});

test('a look-up is as many units as it makes calls', () => {
  const rate = new Rate();
  rate.add(0, 1);
  rate.add(1_000, 4, 4);
  expect(rate.at(2_000)).toEqual({ unitsPerSecond: 2, callsPerSecond: 2 });
});
