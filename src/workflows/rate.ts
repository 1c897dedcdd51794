/** The rate is taken over several windows of a store's quota: in each of them a job first sends, then waits. */
const PERIOD_MS = 120_000;

/** And over at least this many chunks, even if they took longer. */
const FEWEST = 100;

/** How fast chunks have lately been done. Pure: times are given, in ms since 1970. */
export class Rate {
  readonly #samples: { at: number; calls: number }[] = [];

  /** Enters a chunk that was done at `at` with `calls` calls. */
  add(at: number, calls: number): void {
    const samples = this.#samples;
    samples.push({ at, calls });
    while (samples.length > FEWEST && (samples[0]?.at ?? at) < at - PERIOD_MS) samples.shift();
  }

  /** Chunks and calls per second up to `now`; undefined until there are two chunks to compare. */
  at(now: number): { chunksPerSecond: number; callsPerSecond: number } | undefined {
    const first = this.#samples[0];
    if (!first || this.#samples.length < 2 || now <= first.at) return undefined;
    const seconds = (now - first.at) / 1000;
    const calls = this.#samples.reduce((sum, sample) => sum + sample.calls, 0) - first.calls;
    return { chunksPerSecond: (this.#samples.length - 1) / seconds, callsPerSecond: calls / seconds };
  }
}
