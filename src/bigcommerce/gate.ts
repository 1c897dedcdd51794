import type { Delay, Feedback, Pace } from './pace.ts';

/** Gives the place back: with what the store's answer says, or with nothing if the call was never written to it. */
export type Leave = (feedback?: Feedback) => void;

/** Why a call has been waiting for more than 5 s: `slots` (others of this process), `quota` or `throttle` (429). */
export interface Wait {
  reason: Delay['reason'];
  /** When it will continue, ISO 8601 in UTC; null if that depends on the answer to a call in flight. */
  until: string | null;
}

// A chunk that waits for less than this costs Temporal one action; longer waits are worth a heartbeat.
const REPORT_WAIT_EVERY_MS = 5_000;

/**
 * The door to a store: every call of the process passes it, first come, first served, at the store's pace.
 *
 * Invariants: whoever is let in has one `Leave` to call, exactly once; whoever gave up waiting is no longer in the queue;
 * there is at most one timer, and it runs only while the first in the queue waits for a point in time.
 */
export class Gate {
  readonly #pace: Pace;
  readonly #queue: ((leave: Leave) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Resolves when a call may start. Rejects with the reason of the first of `signals` to abort. */
  enter(signals: AbortSignal[], onWait?: (wait: Wait) => void): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const aborted = signals.find((signal) => signal.aborted);
      if (aborted) return reject(aborted.reason);
      let report: NodeJS.Timeout | undefined;
      const done = () => {
        clearInterval(report);
        for (const signal of signals) signal.removeEventListener('abort', giveUp);
      };
      const enterNow = (leave: Leave) => {
        done();
        resolve(leave);
      };
      const giveUp = (event: Event) => {
        done();
        this.#queue.splice(this.#queue.indexOf(enterNow), 1);
        this.#letIn();
        reject((event.target as AbortSignal).reason);
      };
      for (const signal of signals) signal.addEventListener('abort', giveUp);
      this.#queue.push(enterNow);
      this.#letIn();
      const waits = onWait && this.#queue.includes(enterNow);
      if (waits) report = setInterval(() => onWait(this.#currentWait()), REPORT_WAIT_EVERY_MS);
    });
  }

  /** How long the gate stays closed from now on, in ms; Infinity if that depends on an answer. */
  closedMs(): number {
    return this.#pace.next(performance.now())?.waitMs ?? 0;
  }

  #letIn(): void {
    clearTimeout(this.#timer);
    while (this.#queue.length > 0) {
      const delay = this.#pace.next(performance.now());
      if (delay) {
        // Timers fire up to a millisecond early; the pace then says so, and this waits for the rest.
        if (delay.waitMs < Infinity) this.#timer = setTimeout(() => this.#letIn(), Math.ceil(delay.waitMs));
        return;
      }
      this.#pace.started();
      this.#queue.shift()?.(this.#leave());
    }
  }

  #leave(): Leave {
    let left = false;
    return (feedback) => {
      if (left) return;
      left = true;
      this.#pace.ended(performance.now(), feedback);
      this.#letIn();
    };
  }

  #currentWait(): Wait {
    const delay = this.#pace.next(performance.now());
    const untilMs = delay && delay.waitMs < Infinity ? Date.now() + delay.waitMs : undefined;
    return { reason: delay?.reason ?? 'slots', until: untilMs ? new Date(untilMs).toISOString() : null };
  }
}
