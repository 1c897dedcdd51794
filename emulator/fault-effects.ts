import type { Answer } from './answers.ts';
import { html, json, problem, SUSPENDED, throttled } from './answers.ts';
import type { Outcome } from './delivery.ts';
import type { Fault } from './fault-kinds.ts';

const GATEWAY_TITLES: Record<number, string> = { 502: 'Bad Gateway', 504: 'Gateway Time-out' };

/** Answers a call as if it met no fault, and applies its first `most` customers. */
type Run = (most: number) => Answer;

/** What happens to a call that meets a fault. */
export function meet(fault: Fault, run: Run): Outcome {
  switch (fault.fault) {
    case 'status':
      return { delivery: 'whole', answer: answerWithStatus(fault, run) };
    case 'suspended':
      return { delivery: 'whole', answer: SUSPENDED };
    case 'throttle':
      return { delivery: 'whole', answer: throttled(fault.retryAfter, fault) };
    case 'reset':
      return { delivery: 'reset' };
    case 'reset-after':
      run(Infinity);
      return { delivery: 'reset' };
    case 'hang':
      runFirst(fault.applied, run);
      return { delivery: 'none' };
    case 'truncate':
      return { delivery: 'truncated', answer: run(Infinity) };
    case 'unreadable':
      run(Infinity);
      return { delivery: 'whole', answer: { ...html(200, 'OK'), headers: { 'content-type': 'application/json' } } };
    case 'slow-body':
      return { delivery: 'dribbled', answer: run(Infinity), ms: fault.ms };
    case 'missing-customers':
      return { delivery: 'whole', answer: relist(run(Infinity), (customers) => customers.slice(0, -fault.missing)) };
    case 'wrong-order':
      return { delivery: 'whole', answer: relist(run(Infinity), (customers) => customers.toReversed()) };
  }
}

function answerWithStatus(fault: Extract<Fault, { fault: 'status' }>, run: Run): Answer {
  const { status } = fault;
  const ran = runFirst(fault.applied, run);
  if (status < 300) return { ...(ran ?? json(status, { data: [], meta: {} })), status };
  if (status < 400) return { status, headers: { location: fault.location }, body: '' };
  const gateway = GATEWAY_TITLES[status] ?? (fault.html ? fault.title : undefined);
  return gateway ? html(status, gateway) : problem(status, fault.title);
}

function runFirst(applied: boolean | number, run: Run): Answer | undefined {
  if (applied === false) return undefined;
  return run(applied === true ? Infinity : applied);
}

/** A 200 that lists its customers differently; other answers are unchanged. */
function relist(answer: Answer, change: (customers: unknown[]) => unknown[]): Answer {
  if (answer.status !== 200) return answer;
  const body = JSON.parse(answer.body) as { data?: unknown[] };
  return body.data ? { ...answer, body: JSON.stringify({ ...body, data: change(body.data) }) } : answer;
}
