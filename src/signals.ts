/** `npm run` forwards the Ctrl-C that the terminal has sent already, within a millisecond. A person takes longer. */
const SAME_MS = 500;

/** Calls `act` each time one of the signals is meant: the same one again within half a second is the same Ctrl-C. */
export function onSignals(signals: readonly NodeJS.Signals[], act: (signal: NodeJS.Signals) => void): void {
  for (const signal of signals) {
    let cameAt = -Infinity;
    process.on(signal, () => {
      const same = performance.now() - cameAt < SAME_MS;
      cameAt = performance.now();
      if (!same) act(signal);
    });
  }
}
