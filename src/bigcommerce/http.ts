/** One HTTP exchange with BigCommerce. No redirect is followed, and nothing is sent twice. */
import { type Dispatcher, errors, Pool } from 'undici';
import type { Answer } from './answer.ts';

/** What to send, and when not to. */
export interface Exchange {
  method: 'GET' | 'PUT';
  /** What the connections lead to. */
  origin: string;
  /** Starts with a slash. */
  path: string;
  headers: Record<string, string>;
  body: string | null;
  /** Aborts the exchange at once, its connection included. */
  signal: AbortSignal;
  /** Called in the instant before the request is written, when there is a connection. If it throws, nothing is written. */
  beforeWrite: () => void;
}

/** A connection that failed, or an answer that did not come in time or in full. */
export class NoAnswer extends Error {}

// BigCommerce advises 60 s or more for writes and publishes no latency; this lets a gateway's own 60 s come first.
const WHOLE_CALL_MS = 75_000;

const CONNECT_MS = 10_000;

// Ten customers with everything on them are a few dozen KB. A GET lists 250, some with long notes.
const MAX_ANSWER_BYTES = { PUT: 4 * 1024 * 1024, GET: 64 * 1024 * 1024 };

/** Connections to an API, as many as there are calls at once: how many that may be is for the stores' gates to say. */
export function openConnections(origin: string): Dispatcher {
  return new Pool(origin, { pipelining: 1, connectTimeout: CONNECT_MS });
}

/** Throws NoAnswer, the reason of `signal`, or what `beforeWrite` throws. */
export function exchange(connections: Dispatcher, request: Exchange): Promise<Answer> {
  const { method, origin, path, headers, body, signal, beforeWrite } = request;
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
    const deadline = setTimeout(() => stop(noAnswer(`in ${WHOLE_CALL_MS / 1_000} s`)), WHOLE_CALL_MS);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);

    // The deadline covers all of it, so undici's own are off.
    connections.dispatch(
      { method, origin, path, headers, body, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(controller) {
          // It may have been stopped while it waited for a connection. What is thrown here keeps it from being written.
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
