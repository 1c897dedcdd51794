import { once } from 'node:events';

/** Lets a few at a time run, first come, first served. */
export class Turns {
  #free: number;
  readonly #waiting: AbortController[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Runs `run` when it is its turn. Rejects with the reason of `cancelled` if that aborts first. */
  async run<T>(run: () => Promise<T>, cancelled: AbortSignal = new AbortController().signal): Promise<T> {
    cancelled.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(cancelled);
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next) next.abort();
      else this.#free++;
    }
  }

  async #turn(cancelled: AbortSignal): Promise<void> {
    const turn = new AbortController();
    this.#waiting.push(turn);
    await once(AbortSignal.any([turn.signal, cancelled]), 'abort');
    if (turn.signal.aborted) return;
    this.#waiting.splice(this.#waiting.indexOf(turn), 1);
    cancelled.throwIfAborted();
  }
}
