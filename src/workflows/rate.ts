/** How many of the latest chunks the rate is taken from: a minute or two of most jobs. */
const SAMPLES = 100;

/** How fast chunks were settled of late. Pure: times are given, in ms since 1970. */
export class Rate {
  readonly #samples: { at: number; calls: number }[] = [];
  #oldest = 0;

  /** Enters a chunk that was settled at `at` with `calls` calls. */
  settled(at: number, calls: number): void {
    const sample = { at, calls };
    if (this.#samples.length < SAMPLES) {
      this.#samples.push(sample);
    } else {
      this.#samples[this.#oldest] = sample;
      this.#oldest = (this.#oldest + 1) % SAMPLES;
    }
  }

  /** Chunks and calls per second up to `now`; undefined before there are two chunks to compare. */
  at(now: number): { chunksPerSecond: number; callsPerSecond: number } | undefined {
    const first = this.#samples[this.#oldest];
    if (!first || this.#samples.length < 2 || now <= first.at) return undefined;
    const seconds = (now - first.at) / 1000;
    const calls = this.#samples.reduce((sum, sample) => sum + sample.calls, 0) - first.calls;
    return { chunksPerSecond: (this.#samples.length - 1) / seconds, callsPerSecond: calls / seconds };
  }
}
