import type { MetricMeter } from '@temporalio/common';
import { createMetrics } from '../src/worker/metrics.ts';

/** A meter that keeps what each gauge says last, by name. */
function meter() {
  const said: Record<string, number> = {};
  const metric = (name: string) => ({ add: () => {}, record: () => {}, set: (value: number) => (said[name] = value) });
  const meter = { createCounter: metric, createHistogram: metric, createGauge: metric } as unknown as MetricMeter;
  return { said, meter };
}

test('a store is held until the last attempt in this process has ended, whichever began first', () => {
  const { said, meter: of } = meter();
  const { leaseTaken } = createMetrics(of);
  const earlier = leaseTaken('abc');
  const later = leaseTaken('abc');
  earlier();
  expect(said['customer_updates_lease_held']).toBe(1);
  later();
  expect(said['customer_updates_lease_held']).toBe(0);
});

test('calls in flight are counted store by store', () => {
  const { said, meter: of } = meter();
  const metrics = createMetrics(of);
  const [abc, def] = [metrics.observe('abc'), metrics.observe('def')];
  abc.callStarted();
  abc.callStarted();
  def.callStarted();
  expect(said['customer_updates_calls_in_flight']).toBe(1);
  abc.callEnded('customers', 'ok', 10);
  expect(said['customer_updates_calls_in_flight']).toBe(1);
  abc.callEnded('customers', 'throttled', 10);
  expect(said['customer_updates_calls_in_flight']).toBe(0);
});
