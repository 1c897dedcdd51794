/** The rate is taken over several windows of a store's quota: in each of them a job first sends, then waits. */
const PERIOD_MS = 120_000;

/** And over at least this many chunks and look-ups, even if they took longer. */
const FEWEST = 100;

/** How fast a job has lately been. Pure: times are given, in ms since 1970. */
export class Rate {
  readonly #samples: { at: number; calls: number; units: number }[] = [];

  /** Enters what ended at `at` with `calls` calls: a chunk, which is one unit, or a look-up, of one unit a call. */
  add(at: number, calls: number, units = 1): void {
    const samples = this.#samples;
    samples.push({ at, calls, units });
    while (samples.length > FEWEST && (samples[0]?.at ?? at) < at - PERIOD_MS) samples.shift();
  }

  /** Units and calls per second up to `now`; undefined until there are two samples to compare. */
  at(now: number): { unitsPerSecond: number; callsPerSecond: number } | undefined {
    const [first, ...rest] = this.#samples;
    if (!first || rest.length === 0 || now <= first.at) return undefined;
    const seconds = (now - first.at) / 1000;
    const perSecond = (of: 'calls' | 'units') => rest.reduce((sum, sample) => sum + sample[of], 0) / seconds;
    return { unitsPerSecond: perSecond('units'), callsPerSecond: perSecond('calls') };
  }
}
