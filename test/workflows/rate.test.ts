import { Rate } from '../../src/workflows/rate.ts';

test('there is no rate before two chunks were settled', () => {
  const rate = new Rate();
  expect(rate.at(1_000)).toBeUndefined();
  rate.settled(0, 1);
  expect(rate.at(1_000)).toBeUndefined();
});

test('the rate is that of the latest hundred chunks', () => {
  const rate = new Rate();
  for (let chunk = 0; chunk < 500; chunk++) rate.settled(chunk * 10_000, 1);
  for (let chunk = 0; chunk < 101; chunk++) rate.settled(5_000_000 + chunk * 100, 2);
  expect(rate.at(5_010_000)).toEqual({ chunksPerSecond: 10, callsPerSecond: 20 });
});

test('a rate without new chunks falls with time', () => {
  const rate = new Rate();
  rate.settled(0, 1);
  rate.settled(1_000, 1);
  expect(rate.at(1_000)?.chunksPerSecond).toBe(1);
  expect(rate.at(10_000)?.chunksPerSecond).toBe(0.1);
});
