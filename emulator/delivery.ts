import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answers.ts';

/** What happens to a request, as its client sees it. */
export type Outcome =
  | { delivery: 'whole'; answer: Answer }
  | { delivery: 'truncated'; answer: Answer }
  /** The headers at once, the body in pieces within `ms`. */
  | { delivery: 'dribbled'; answer: Answer; ms: number }
  | { delivery: 'reset' }
  | { delivery: 'none' };

const DRIBBLES = 10;

/**
 * Delivers the outcome to the client. `ended` is called just before the client can know that its request is over, so
 * that its next one never overlaps; it gets the status if the answer is whole.
 */
export async function deliver(
  response: ServerResponse,
  outcome: Outcome,
  ended: (status?: number) => void,
): Promise<void> {
  if (response.destroyed || outcome.delivery === 'none') return;
  if (outcome.delivery === 'reset') {
    ended();
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, headers, body } = outcome.answer;
  response.statusCode = status;
  response.setHeaders(new Map(Object.entries(headers)));
  if (outcome.delivery === 'whole') {
    ended(status);
    response.end(body);
    return;
  }
  const bytes = Buffer.from(body);
  response.setHeader('content-length', bytes.length);
  if (outcome.delivery === 'truncated') {
    ended();
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return;
  }
  response.flushHeaders();
  const size = Math.ceil(bytes.length / DRIBBLES);
  for (let sent = 0; sent < bytes.length; sent += size) {
    await delay(outcome.ms / DRIBBLES, undefined, { ref: false });
    if (response.destroyed) return;
    if (sent + size >= bytes.length) ended(status);
    response.write(bytes.subarray(sent, sent + size));
  }
  response.end();
}
