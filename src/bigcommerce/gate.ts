/**
 * The door to a store: every call of the process goes through it, in the order of asking, at the store's pace.
 *
 * What always holds: whoever is let in has one `Leave` to call, exactly once; whoever gave up waiting is not in the queue
 * any more; and there is one timer at most, running only while the first in the queue waits for a time.
 */
import type { Delay, Heard, Pace } from './pace.ts';

/** Gives the place back: with what was heard from the store, or with nothing where the call was never written to it. */
export type Leave = (heard?: Heard) => void;

/** Why a call has been waiting for more than 5 s: `slots` (others of this process), `quota` or `throttle` (429). */
export interface Wait {
  reason: Delay['reason'];
  /** When it will go on, ISO 8601 in UTC; null where only an answer to a call in flight can tell. */
  until: string | null;
}

export interface Gate {
  /** Resolves when a call may start. Rejects with the reason of the first of `signals` to abort. */
  enter(signals: AbortSignal[], onWait?: (wait: Wait) => void): Promise<Leave>;
  /** How long the gate lets nobody in from now on, in ms; Infinity where an answer decides. */
  closedMs(): number;
}

// A chunk that waits shorter than this costs Temporal one action; longer waits are worth a heartbeat.
const REPORT_WAIT_EVERY_MS = 5_000;

/** A gate at this pace. */
export function createGate(pace: Pace): Gate {
  const queue: ((leave: Leave) => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  function letIn(): void {
    clearTimeout(timer);
    while (queue.length > 0) {
      const delay = pace.next(performance.now());
      if (delay) {
        // Timers fire up to a millisecond early; then the pace says so, and the rest is waited for.
        if (delay.waitMs < Infinity) timer = setTimeout(letIn, Math.ceil(delay.waitMs));
        return;
      }
      pace.started(performance.now());
      queue.shift()?.(leave());
    }
  }

  function leave(): Leave {
    let left = false;
    return (heard) => {
      if (left) return;
      left = true;
      if (heard) pace.answered(performance.now(), heard);
      else pace.withdrawn(performance.now());
      letIn();
    };
  }

  function waitNow(): Wait {
    const delay = pace.next(performance.now());
    const untilMs = delay && delay.waitMs < Infinity ? Date.now() + delay.waitMs : undefined;
    return { reason: delay?.reason ?? 'slots', until: untilMs ? new Date(untilMs).toISOString() : null };
  }

  return {
    enter(signals, onWait) {
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
          queue.splice(queue.indexOf(enterNow), 1);
          letIn();
          reject((event.target as AbortSignal).reason);
        };
        for (const signal of signals) signal.addEventListener('abort', giveUp);
        queue.push(enterNow);
        letIn();
        if (onWait && queue.includes(enterNow)) report = setInterval(() => onWait(waitNow()), REPORT_WAIT_EVERY_MS);
      });
    },
    closedMs: () => pace.next(performance.now())?.waitMs ?? 0,
  };
}
