import type { Quota } from '../contract/dry-run.ts';
import { classify, type Isolate, type Reading, type Taken, type Verdict } from './answer.ts';
import type { Attempt } from './attempt.ts';
import { Refused, Throttled, Unavailable } from './errors.ts';
import { Gate } from './gate.ts';
import { type RateLimit, readRateLimit, readRequestId } from './headers.ts';
import { type Api, type Method, NoAnswer } from './http.ts';
import { type CallOutcome, type Observer, RecentCalls } from './observer.ts';
import { type Feedback, Pace } from './pace.ts';
import type { Tokens } from './tokens.ts';

/** One request, and how to read its answer. */
export interface Request<T> extends Reading<T> {
  method: Method;
  /** What follows `/stores/{hash}`. */
  path: string;
  body: string | null;
  /** It needs the scope of customers: if it is refused, so are all other calls that need it. */
  needsScope: boolean;
}

/** What all stores of a process have in common. */
export interface StoresConfig {
  api: Api;
  tokens: Tokens;
  /** Share of each quota that is left to the store's other apps, 0 to 99. */
  quotaReservePercent: number;
  /** Makes the observer of the calls to the store with this hash. */
  observe: (storeHash: string) => Observer;
}

/** The refusal of a call, and the token that was refused. */
interface Refusal {
  token: string;
  message: string;
  /** When to ask again with the same token: scopes are given back, and stores come back from suspension. */
  askAgainAt: number;
  delayMs: number;
}

const FIRST_ASK_AGAIN_MS = 5 * 60_000;
const LAST_ASK_AGAIN_MS = 60 * 60_000;

/** All calls to one store: whoever calls shares its token, its gate, and its last refusal. */
export class StoreCalls {
  readonly #storeHash: string;
  readonly #api: Api;
  readonly #tokens: Tokens;
  readonly #observer: Observer;
  readonly #gate: Gate;
  readonly pace: Pace;
  readonly recent: RecentCalls;
  /** The quota that the store stated last; null if it never did. */
  quota: Quota | null = null;

  /**
   * The last refusals of calls that need the scope, of GETs and of all others. Calls of that kind with the same token fail
   * fast with it until a probe succeeds: a token may allow to read and not to write.
   */
  readonly #refusals: { reads?: Refusal | undefined; calls?: Refusal | undefined } = {};

  constructor(storeHash: string, { api, tokens, quotaReservePercent, observe }: StoresConfig) {
    this.#storeHash = storeHash;
    this.#api = api;
    this.#tokens = tokens;
    this.#observer = observe(storeHash);
    this.pace = new Pace(quotaReservePercent);
    this.#gate = new Gate(this.pace);
    this.recent = new RecentCalls(this.#observer);
  }

  /** Sends one request, once. Counts it in the attempt's tally, and throws any of errors.ts with the attempt. */
  async call<T>(request: Request<T>, attempt: Attempt): Promise<Taken<T> | Isolate> {
    // A call gets past the refusal if its purpose is to find out whether that still stands.
    const { probe } = attempt.options;
    const kind = kindOf(request);
    const refusal = this.#refusals[kind];
    const isDue = probe === 'check' && performance.now() >= (refusal?.askAgainAt ?? Infinity);
    const past = probe === 'resume' || isDue ? refusal : undefined;
    let { token, verdict } = await this.#send(request, attempt, past);
    if (verdict.kind === 'refused' && verdict.forToken && (this.#tokens.reread(this.#storeHash) ?? token) !== token) {
      ({ token, verdict } = await this.#send(request, attempt, past));
    }
    switch (verdict.kind) {
      case 'throttled':
        throw new Throttled('The store throttles (429).', attempt, this.#gate.closedMs());
      case 'unavailable':
        throw new Unavailable(verdict.reason, attempt, verdict.waitMs);
      case 'refused':
        if (request.needsScope) this.#refuse(kind, token, verdict.message, isDue);
        throw new Refused(verdict.message, attempt);
      default:
        // A call that was sent before the refusal and answered after it proves nothing.
        if (request.needsScope && this.#refusals[kind] === past) this.#refusals[kind] = undefined;
        return verdict;
    }
  }

  #refuse(kind: Kind, token: string, message: string, isRepeated: boolean): void {
    const before = isRepeated ? this.#refusals[kind]?.delayMs : undefined;
    const delayMs = Math.min(before === undefined ? FIRST_ASK_AGAIN_MS : before * 2, LAST_ASK_AGAIN_MS);
    this.#refusals[kind] = { token, message, delayMs, askAgainAt: performance.now() + delayMs };
  }

  /** The token for a call that gets past the refusal `past`. Throws Refused if there is none, or another refusal. */
  #usableToken(kind: Kind, past: Refusal | undefined, attempt: Attempt): string {
    const token = this.#tokens.tokenFor(this.#storeHash);
    if (token === undefined) {
      const cure = this.#tokens.cures.missing;
      throw new Refused(`There is no access token for the store ${this.#storeHash}: ${cure}.`, attempt);
    }
    const refusal = this.#refusals[kind];
    if (refusal && refusal !== past && refusal.token === token) throw new Refused(refusal.message, attempt);
    return token;
  }

  async #send<T>(
    request: Request<T>,
    attempt: Attempt,
    past: Refusal | undefined,
  ): Promise<{ token: string; verdict: Verdict<T> }> {
    const { permit, onWait } = attempt.options;
    const { method, body, read, none, asksForSeveral } = request;
    const kind = kindOf(request);
    let token = this.#usableToken(kind, past, attempt);
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
      token = this.#usableToken(kind, past, attempt);
      const answer = await this.#api.exchange({
        method,
        path: `/stores/${this.#storeHash}${request.path}`,
        token,
        body,
        signal: permit.lost,
        beforeWrite: () => {
          attempt.checkPermit();
          feedback = { kind: 'unclear' };
          end = this.recent.start(endpointOf(request));
          attempt.requestId = undefined;
          attempt.tally[kind]++;
        },
      });
      const secrets = () => [token, ...request.secrets()];
      const verdict = classify(
        answer,
        { read, secrets, ...(none !== undefined && { none }), ...(asksForSeveral && { asksForSeveral }) },
        this.#tokens.cures.refused,
      );
      const rateLimit = readRateLimit(answer.headers);
      outcome = verdict.kind;
      feedback = feedbackOf(verdict, rateLimit);
      attempt.requestId = readRequestId(answer.headers);
      if (rateLimit) {
        this.quota = { requests: rateLimit.quota, windowMs: rateLimit.windowMs };
        this.#observer.quotaLeft(rateLimit.left);
      }
      if (verdict.kind === 'throttled') attempt.tally.throttled++;
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

/** As a Tally counts them. */
type Kind = 'reads' | 'calls';

const kindOf = ({ method }: Pick<Request<unknown>, 'method'>): Kind => (method === 'GET' ? 'reads' : 'calls');

/** The last word of its path: `customers`, `attribute-values`, … */
const endpointOf = ({ path }: Pick<Request<unknown>, 'path'>): string =>
  /[^/]*$/.exec(path.split('?')[0] ?? '')?.[0] ?? '';

function feedbackOf(verdict: Verdict<unknown>, rateLimit: RateLimit | undefined): Feedback {
  if (verdict.kind === 'throttled') return { kind: 'throttled', waitMs: verdict.waitMs, rateLimit };
  return { kind: verdict.kind === 'ok' || verdict.kind === 'isolate' ? 'taken' : 'unclear', rateLimit };
}
