import { type Dispatcher, errors, Pool } from 'undici';
import type { Answer } from './answer.ts';

/** All that is asked of the API: to list, to change, to remove. */
export type Method = 'GET' | 'PUT' | 'DELETE';

/** What to send, and when not to. */
export interface Exchange {
  method: Method;
  /** What follows the API's address, such as `/stores/abc123/v2/time`. */
  path: string;
  token: string;
  body: string | null;
  /** Aborts the exchange at once, its connection included. */
  signal: AbortSignal;
  /** Called once there is a connection, just before the request is written. If it throws, nothing is written. */
  beforeWrite: () => void;
}

/** The connection failed, or the answer did not arrive in time or in full. */
export class NoAnswer extends Error {}

/** BigCommerce advises 60 s or more for writes and publishes no latency; this lets a gateway's own 60 s end first. */
export const LONGEST_CALL_MS = 75_000;

const CONNECT_MS = 10_000;

// Ten customers with everything on them are a few dozen KB. A GET lists 250, some with long notes.
const MAX_ANSWER_BYTES: Record<Method, number> = {
  GET: 64 * 1024 * 1024,
  PUT: 4 * 1024 * 1024,
  DELETE: 4 * 1024 * 1024,
};

/** An API, over as many connections as there are calls at once; the stores' gates limit those. */
export class Api {
  readonly #origin: string;
  readonly #prefix: string;
  readonly #userAgent: string;
  readonly #connections: Dispatcher;

  /** `url` is what comes before `/stores/`; `version` is our own, for the User-Agent. */
  constructor(url: string, version: string) {
    const { origin, pathname } = new URL(url);
    this.#origin = origin;
    this.#prefix = pathname.replace(/\/+$/, '');
    this.#userAgent = `bigcommerce-customer-updates/${version}`;
    this.#connections = new Pool(origin, { pipelining: 1, connectTimeout: CONNECT_MS });
  }

  /** Closes the connections once no call is in flight. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  /**
   * One exchange: no redirect is followed, and nothing is sent twice. Throws NoAnswer, the reason of `signal`, or what
   * `beforeWrite` throws.
   */
  exchange({ method, path, token, body, signal, beforeWrite }: Exchange): Promise<Answer> {
    const origin = this.#origin;
    const headers = {
      'x-auth-token': token,
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': this.#userAgent,
    };
    return new Promise((resolve, reject) => {
      let stopped = false;
      let started: Dispatcher.DispatchController | undefined;
      const answer: Answer = { status: 0, headers: {}, text: '' };
      const chunks: Buffer[] = [];
      let received = 0;

      const end = () => {
        clearTimeout(deadline);
        signal.removeEventListener('abort', abort);
      };
      const stop = (reason: unknown) => {
        end();
        stopped = true;
        reject(reason);
        started?.abort(new Error('stopped'));
      };
      const abort = () => stop(signal.reason);
      const noAnswer = (how: string) => new NoAnswer(`No answer from ${origin} ${how}.`);
      const deadline = setTimeout(() => stop(noAnswer(`in ${LONGEST_CALL_MS / 1_000} s`)), LONGEST_CALL_MS);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort);

      // The deadline covers all of it, so undici's own are off.
      this.#connections.dispatch(
        { method, origin, path: this.#prefix + path, headers, body, headersTimeout: 0, bodyTimeout: 0 },
        {
          onRequestStart(controller) {
            // It may have been stopped while it waited for a connection. Throwing here prevents the write.
            if (stopped) throw new Error('stopped');
            try {
              beforeWrite();
            } catch (error) {
              stop(error);
              throw error;
            }
            started = controller;
          },
          onResponseStart(_, status, answerHeaders) {
            answer.status = status;
            answer.headers = answerHeaders;
          },
          onResponseData(controller, chunk) {
            received += chunk.length;
            if (received > MAX_ANSWER_BYTES[method]) return controller.abort(new errors.ResponseExceededMaxSizeError());
            chunks.push(chunk);
          },
          onResponseEnd() {
            end();
            answer.text = Buffer.concat(chunks).toString();
            resolve(answer);
          },
          onResponseError(_, error) {
            end();
            reject(noAnswer(`(${(error as NodeJS.ErrnoException).code ?? error.name})`));
          },
        },
      );
    });
  }
}
