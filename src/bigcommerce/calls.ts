import type { Quota } from '../contract/job.ts';
import { classify, type Isolate, type Reading, type Taken, type Verdict } from './answer.ts';
import type { Attempt } from './attempt.ts';
import { Refused, Throttled, Unavailable } from './errors.ts';
import { Gate } from './gate.ts';
import { type RateLimit, readRateLimit, readRequestId } from './headers.ts';
import { type Api, NoAnswer } from './http.ts';
import { type CallOutcome, type Observer, RecentCalls } from './observer.ts';
import { type Feedback, Pace } from './pace.ts';
import type { Tokens } from './tokens.ts';

/** One request, and how to read its answer. */
export interface Request<T> extends Reading<T> {
  method: 'GET' | 'PUT';
  /** What follows `/stores/{hash}`. */
  path: string;
  body: string | null;
  /** It needs the scope of customers: if it is refused, so are all other calls that need it. */
  needsScope: boolean;
}

/** What the calls to a store are made with. */
export interface StoreParts {
  storeHash: string;
  api: Api;
  tokens: Tokens;
  observer: Observer;
  /** Share of each quota that is left to the store's other apps, 0 to 99. */
  quotaReservePercent: number;
}

/** The refusal of a call, and the token that was refused. */
interface Refusal {
  token: string;
  message: string;
}

/** All calls to one store: whoever calls shares its token, its gate, and its last refusal. */
export class StoreCalls {
  readonly #parts: StoreParts;
  readonly #pace: Pace;
  readonly #gate: Gate;
  readonly #recent: RecentCalls;
  #quota: Quota | null = null;

  /**
   * The last refusal of a call that needs the scope. Calls with the same token fail fast with it until a probe succeeds.
   * That probe may be a GET, which proves less than a PUT does; the next PUT will show.
   */
  #refusal: Refusal | undefined;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.quotaReservePercent);
    this.#gate = new Gate(this.#pace);
    this.#recent = new RecentCalls(parts.observer);
  }

  concurrency(): number {
    return this.#pace.allowed;
  }

  /** The quota that the store stated last; null if it never did. */
  quota(): Quota | null {
    return this.#quota;
  }

  slowestRecentMs(): number {
    return this.#recent.slowestMs();
  }

  /** Sends one request, once. Counts PUTs in the attempt, and throws any of errors.ts with it. */
  async call<T>(request: Request<T>, attempt: Attempt): Promise<Taken<T> | Isolate> {
    const { storeHash, tokens } = this.#parts;
    // A call gets past the refusal if its purpose is to find out whether that still stands.
    const past = attempt.options.probe === 'resume' ? this.#refusal : undefined;
    let { token, verdict } = await this.#send(request, attempt, past);
    if (verdict.kind === 'refused' && verdict.forToken && (tokens.reread(storeHash) ?? token) !== token) {
      ({ token, verdict } = await this.#send(request, attempt, past));
    }
    switch (verdict.kind) {
      case 'throttled':
        throw new Throttled('The store throttles (429).', attempt, this.#gate.closedMs());
      case 'unavailable':
        throw new Unavailable(verdict.reason, attempt, verdict.waitMs);
      case 'refused':
        if (request.needsScope) this.#refusal = { token, message: verdict.message };
        throw new Refused(verdict.message, attempt);
      default:
        // A call that was sent before the refusal and answered after it proves nothing.
        if (request.needsScope && this.#refusal === past) this.#refusal = undefined;
        return verdict;
    }
  }

  /** The token for a call that gets past the refusal `past`. Throws Refused if there is none, or another refusal. */
  #usableToken(past: Refusal | undefined, attempt: Attempt): string {
    const { storeHash, tokens } = this.#parts;
    const token = tokens.tokenFor(storeHash);
    if (token === undefined) {
      throw new Refused(`There is no access token for the store ${storeHash}: ${tokens.cures.missing}.`, attempt);
    }
    const refusal = this.#refusal;
    if (refusal && refusal !== past && refusal.token === token) throw new Refused(refusal.message, attempt);
    return token;
  }

  async #send<T>(
    request: Request<T>,
    attempt: Attempt,
    past: Refusal | undefined,
  ): Promise<{ token: string; verdict: Verdict<T> }> {
    const { storeHash, api, tokens, observer } = this.#parts;
    const { permit, onWait } = attempt.options;
    const { method, body, read } = request;
    let token = this.#usableToken(past, attempt);
    const leave = await this.#gate.enter([permit.lost, permit.draining], onWait).catch((reason: unknown) => {
      attempt.checkPermit();
      throw reason;
    });
    let end: ((outcome: CallOutcome) => void) | undefined;
    let outcome: CallOutcome = 'aborted';
    // `unclear` from the moment it may have been written until its answer is understood.
    let feedback: Feedback | undefined;
    try {
      // Again, because the wait may have been long.
      token = this.#usableToken(past, attempt);
      const answer = await api.exchange({
        method,
        path: `/stores/${storeHash}${request.path}`,
        token,
        body,
        signal: permit.lost,
        beforeWrite: () => {
          attempt.checkPermit();
          feedback = { kind: 'unclear' };
          end = this.#recent.start();
          attempt.requestId = undefined;
          if (method === 'PUT') attempt.calls++;
        },
      });
      const secrets = () => [token, ...request.secrets()];
      const verdict = classify(answer, { read, secrets }, tokens.cures.refused);
      const rateLimit = readRateLimit(answer.headers);
      outcome = verdict.kind;
      feedback = feedbackOf(verdict, rateLimit);
      attempt.requestId = readRequestId(answer.headers);
      if (rateLimit) {
        this.#quota = { requests: rateLimit.quota, windowMs: rateLimit.windowMs };
        observer.quotaLeft(rateLimit.left);
      }
      if (verdict.kind === 'throttled' && method === 'PUT') attempt.throttled++;
      return { token, verdict };
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        if (permit.lost.aborted) attempt.checkPermit();
        throw error;
      }
      outcome = 'unavailable';
      return { token, verdict: { kind: 'unavailable', reason: error.message, waitMs: undefined } };
    } finally {
      end?.(outcome);
      leave(feedback);
    }
  }
}

function feedbackOf(verdict: Verdict<unknown>, rateLimit: RateLimit | undefined): Feedback {
  if (verdict.kind === 'throttled') return { kind: 'throttled', waitMs: verdict.waitMs, rateLimit };
  return { kind: verdict.kind === 'ok' || verdict.kind === 'isolate' ? 'taken' : 'unclear', rateLimit };
}
