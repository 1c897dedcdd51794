/** Calls to one store: its token, its gate, and what it last refused, shared by everyone who calls. */
import type { Dispatcher } from 'undici';
import type { Quota } from '../contract/job.ts';
import { classify, type Reading, type Verdict } from './answer.ts';
import { Draining, LeaseLost, type Reached, Refused, Throttled, Unavailable } from './errors.ts';
import { createGate, type Wait } from './gate.ts';
import { exchange, NoAnswer } from './http.ts';
import type { CallOutcome, Observer } from './observer.ts';
import { createPace, type Heard } from './pace.ts';
import { readRateLimit } from './headers.ts';
import { createRecentCalls } from './observer.ts';
import { readRequestId } from './headers.ts';
import type { Tokens } from './tokens.ts';

/** The right to send to a store at this instant, and how it ends. Its signals serve one store, not the whole process. */
export interface Permit {
  /** Aborts when the lease is lost: waits end, and requests in flight are aborted at once. */
  lost: AbortSignal;
  /** Aborts when the process gives the queue up: waits end and nothing new is sent; what is in flight finishes. */
  draining: AbortSignal;
  /** The fence, asked in the instant before a request is written. Throws unless it may be sent. */
  check(): void;
}

/** What a call needs to know of the one who makes it. */
export interface CallOptions {
  permit: Permit;
  /** `resume` goes through although the store refused an earlier call; `check` only if the token is another one. */
  probe?: 'check' | 'resume' | undefined;
  /** Called after 5 s of waiting, and every 5 s from there. */
  onWait?: ((wait: Wait) => void) | undefined;
}

/** One request, and how to read its answer. */
export interface Request extends Reading {
  method: 'GET' | 'PUT';
  /** What stands after `/stores/{hash}`. */
  path: string;
  body: string | null;
  /** It needs the scope of customers: a refusal of it goes for all calls that do. */
  needsScope: boolean;
}

/** How to reach a store. */
export interface Address {
  storeHash: string;
  /** Of the API, such as `https://api.bigcommerce.com`. */
  origin: string;
  connections: Dispatcher;
  /** Path of the store's API, such as `/stores/abc123`. */
  path: string;
  userAgent: string;
  tokens: Tokens;
  observer: Observer;
}

/** An answer that is about customers, and not about the call. */
export type Settled = Extract<Verdict, { kind: 'ok' | 'isolate' }>;

export interface Line {
  /** One request, sent once. Counts PUTs in `reached`, and throws any of errors.ts with it. */
  call(request: Request, options: CallOptions, reached: Reached): Promise<Settled>;
  concurrency(): number;
  /** The quota that the store told last; null where it told none. */
  quota(): Quota | null;
  slowestRecentMs(): number;
}

/** The one line to a store. */
export function openLine(address: Address, quotaReservePercent: number): Line {
  const { storeHash, origin, connections, path, userAgent, tokens, observer } = address;
  const pace = createPace(quotaReservePercent);
  const gate = createGate(pace);
  const recent = createRecentCalls();
  let quota: Quota | null = null;

  /**
   * The last refusal of a call that needs the scope. It stands for every call with the same token until one that needs the
   * scope and went past it is taken. That may be a GET, which shows less of the scope than a PUT: the next PUT tells.
   */
  let refusal: { token: string; message: string } | undefined;

  /** The token for a call that went past the refusal `past`. Throws Refused where there is none, or another refusal. */
  function usableToken(past: typeof refusal, reached: Reached): string {
    const token = tokens.tokenFor(storeHash);
    if (token === undefined) {
      throw new Refused(`There is no access token for the store ${storeHash}: ${tokens.cures.missing}.`, reached);
    }
    if (refusal && refusal !== past && refusal.token === token) throw new Refused(refusal.message, reached);
    return token;
  }

  /** Throws LeaseLost or Draining where the permit has ended. */
  function heed(permit: Permit, reached: Reached): void {
    if (permit.lost.aborted) throw new LeaseLost('The lease of the store was lost.', reached);
    if (permit.draining.aborted) throw new Draining('This process gives the queue of the store up.', reached);
    try {
      permit.check();
    } catch (error) {
      throw new LeaseLost(`The lease of the store does not hold: ${(error as Error).message}`, reached);
    }
  }

  async function send(
    request: Request,
    { permit, onWait }: CallOptions,
    past: typeof refusal,
    reached: Reached,
  ): Promise<{ token: string; verdict: Verdict }> {
    let token = usableToken(past, reached);
    const leave = await gate.enter([permit.lost, permit.draining], onWait).catch((reason: unknown) => {
      heed(permit, reached);
      throw reason;
    });
    let end: (() => number) | undefined;
    let outcome: CallOutcome = 'aborted';
    // Until the answer is understood: unclear, if it was written at all.
    let heard: Heard | undefined;
    try {
      // Again, since the wait may have been long.
      token = usableToken(past, reached);
      const { method, body } = request;
      const answer = await exchange(connections, {
        method,
        origin,
        path: path + request.path,
        headers: {
          'x-auth-token': token,
          accept: 'application/json',
          'content-type': 'application/json',
          'user-agent': userAgent,
        },
        body,
        signal: permit.lost,
        beforeWrite() {
          heed(permit, reached);
          heard = { kind: 'unclear' };
          end = recent.begin();
          observer.callStarted();
          reached.requestId = undefined;
          if (method === 'PUT') reached.calls++;
        },
      });
      const secrets = () => [token, ...request.secrets()];
      const verdict = classify(answer, { ids: request.ids, secrets }, tokens.cures.refused);
      const rateLimit = readRateLimit(answer.headers);
      outcome = verdict.kind;
      heard = hear(verdict, rateLimit);
      reached.requestId = readRequestId(answer.headers);
      if (rateLimit) {
        quota = { requests: rateLimit.quota, windowMs: rateLimit.windowMs };
        observer.quotaLeft(rateLimit.left);
      }
      if (verdict.kind === 'throttled' && method === 'PUT') reached.throttled++;
      return { token, verdict };
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        if (permit.lost.aborted) heed(permit, reached);
        throw error;
      }
      outcome = 'unavailable';
      return { token, verdict: { kind: 'unavailable', reason: error.message, waitMs: undefined } };
    } finally {
      if (end) observer.callEnded(outcome, end());
      leave(heard);
    }
  }

  return {
    async call(request, options, reached) {
      // A call goes past what the store refused if it is the one that asks whether that is still so.
      const past = options.probe === 'resume' ? refusal : undefined;
      let { token, verdict } = await send(request, options, past, reached);
      if (verdict.kind === 'refused' && verdict.forToken && (tokens.reread(storeHash) ?? token) !== token) {
        ({ token, verdict } = await send(request, options, past, reached));
      }
      switch (verdict.kind) {
        case 'throttled':
          throw new Throttled(gate.closedMs(), reached);
        case 'unavailable':
          throw new Unavailable(verdict.reason, verdict.waitMs, reached);
        case 'refused':
          if (request.needsScope) refusal = { token, message: verdict.message };
          throw new Refused(verdict.message, reached);
        default:
          // Not by a call that was sent before the refusal, and answered after it.
          if (request.needsScope && refusal === past) refusal = undefined;
          return verdict;
      }
    },
    concurrency: pace.allowed,
    quota: () => quota,
    slowestRecentMs: recent.slowestMs,
  };
}

function hear(verdict: Verdict, rateLimit: Heard['rateLimit']): Heard {
  if (verdict.kind === 'throttled') return { kind: 'throttled', waitMs: verdict.waitMs, rateLimit };
  return { kind: verdict.kind === 'ok' || verdict.kind === 'isolate' ? 'taken' : 'unclear', rateLimit };
}
