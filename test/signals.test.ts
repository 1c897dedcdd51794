import { onSignals } from '../src/process.ts';

test('the same signal at once again is the same Ctrl-C, and another one or a later one is not', () => {
  const now = jest.spyOn(performance, 'now');
  const meant: string[] = [];
  onSignals(['SIGUSR1', 'SIGUSR2'], (signal) => meant.push(signal));
  for (const [at, signal] of [
    [0, 'SIGUSR2'],
    [1, 'SIGUSR2'],
    [2, 'SIGUSR1'],
    [499, 'SIGUSR2'],
    [1_000, 'SIGUSR2'],
  ] as const) {
    now.mockReturnValue(at);
    process.emit(signal);
  }
  for (const signal of ['SIGUSR1', 'SIGUSR2']) process.removeAllListeners(signal);
  now.mockRestore();
  expect(meant).toEqual(['SIGUSR2', 'SIGUSR1', 'SIGUSR2']);
});
