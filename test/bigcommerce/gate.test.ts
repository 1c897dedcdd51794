import { Gate, type Leave, type Wait } from '../../src/bigcommerce/gate.ts';
import { type Feedback, Pace } from '../../src/bigcommerce/pace.ts';

beforeEach(() => void jest.useFakeTimers({ now: Date.UTC(2030, 0, 1) }));
afterEach(() => void jest.useRealTimers());

const taken: Feedback = { kind: 'taken' };
const never = () => new AbortController().signal;

/** Asks `count` times to be let in, and records the order in which that happens. */
function ask(gate: Gate, count: number, order: number[] = []): { order: number[]; leaves: Leave[] } {
  const leaves: Leave[] = [];
  for (let i = 0; i < count; i++) {
    void gate.enter([never()]).then((leave) => {
      order.push(i);
      leaves.push(leave);
    });
  }
  return { order, leaves };
}

const settled = () => jest.advanceTimersByTimeAsync(0);

test('three are let in, and then the others one by one, first come, first served', async () => {
  const { order, leaves } = ask(new Gate(new Pace(0)), 6);
  await settled();
  expect(order).toEqual([0, 1, 2]);
  leaves[1]?.(taken);
  await settled();
  expect(order).toEqual([0, 1, 2, 3]);
  leaves[0]?.(taken);
  leaves[2]?.(taken);
  await settled();
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
});

test('a place is given back once, however often `leave` is called', async () => {
  const { order, leaves } = ask(new Gate(new Pace(0)), 6);
  await settled();
  leaves[0]?.(taken);
  leaves[0]?.(taken);
  leaves[0]?.();
  await settled();
  expect(order).toEqual([0, 1, 2, 3]);
});

test('nobody is let in during a back-off, and everybody after it', async () => {
  const gate = new Gate(new Pace(0));
  const { order, leaves } = ask(gate, 4);
  await settled();
  leaves[0]?.({ kind: 'throttled', waitMs: 7_000, rateLimit: undefined });
  leaves[1]?.(taken);
  leaves[2]?.(taken);
  expect(gate.closedMs()).toBe(7_000);
  await jest.advanceTimersByTimeAsync(6_999);
  expect(order).toHaveLength(3);
  await jest.advanceTimersByTimeAsync(1);
  expect(order).toHaveLength(4);
  expect(gate.closedMs()).toBe(0);
});

test('a caller that gives up waiting learns why at once, and its place in the queue goes to the next', async () => {
  const gate = new Gate(new Pace(0));
  const { leaves } = ask(gate, 3);
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
  const waits = [
    gate.enter([never(), first.signal]),
    gate.enter([second.signal, never()]),
    gate.enter([third.signal, never()]),
  ];
  second.abort(new Error('enough'));
  await expect(waits[1]).rejects.toThrow('enough');
  leaves[0]?.(taken);
  leaves[1]?.(taken);
  await expect(waits[0]).resolves.toBeInstanceOf(Function);
  await expect(waits[2]).resolves.toBeInstanceOf(Function);
  // Too late to give up.
  first.abort();
  third.abort();
  expect(jest.getTimerCount()).toBe(0);
});

test('a caller whose signal is already aborted is not let in', async () => {
  const gate = new Gate(new Pace(0));
  await expect(gate.enter([never(), AbortSignal.abort(new Error('gone'))])).rejects.toThrow('gone');
  const { order } = ask(gate, 3);
  await settled();
  expect(order).toHaveLength(3);
});

test('when the first in the queue gives up, no timer is left behind', async () => {
  const gate = new Gate(new Pace(0));
  const leave = await gate.enter([never()]);
  leave({ kind: 'throttled', waitMs: 60_000, rateLimit: undefined });
  const patience = new AbortController();
  const wait = gate.enter([patience.signal], () => undefined);
  expect(jest.getTimerCount()).toBe(2);
  patience.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');
  expect(jest.getTimerCount()).toBe(0);
});

test('a wait of more than 5 s is reported with its reason and its end, a short one is not', async () => {
  const gate = new Gate(new Pace(0));
  const reports: Wait[] = [];
  const leave = await gate.enter([never()], (wait) => reports.push(wait));
  leave({ kind: 'throttled', waitMs: 12_000, rateLimit: undefined });
  void gate.enter([never()], (wait) => reports.push(wait));
  await jest.advanceTimersByTimeAsync(4_999);
  expect(reports).toEqual([]);
  await jest.advanceTimersByTimeAsync(30_000);
  const wait = { reason: 'throttle', until: '2030-01-01T00:00:12.000Z' };
  expect(reports).toEqual([wait, wait]);
});

test('the end of a wait for a slot is unknown', async () => {
  const gate = new Gate(new Pace(0));
  ask(gate, 3);
  const reports: Wait[] = [];
  void gate.enter([never()], (wait) => reports.push(wait));
  await jest.advanceTimersByTimeAsync(5_000);
  expect(reports).toEqual([{ reason: 'slots', until: null }]);
});

test('a call that was never written uses none of the quota', async () => {
  const gate = new Gate(new Pace(0));
  const rateLimit = { quota: 10, left: 1, windowMs: 30_000, resetMs: 30_000 };
  (await gate.enter([never()]))({ kind: 'taken', rateLimit });
  (await gate.enter([never()]))();
  expect(gate.closedMs()).toBe(0);
  (await gate.enter([never()]))({ kind: 'unclear' });
  expect(gate.closedMs()).toBe(30_000);
});
