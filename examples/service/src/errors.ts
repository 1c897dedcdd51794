import {
  BadInput,
  FilesGone,
  NoAnswer,
  NoSuchJob,
  NotAJob,
  ServerFailed,
  StorageFailed,
  StreamFailed,
  TooLate,
} from 'bigcommerce-customer-updates/client';
import { BadBody } from './body.ts';

/** The service has nothing at this path. */
export class NoSuchPath extends Error {
  override name = 'NoSuchPath';
}

const STATUSES: [error: abstract new (...args: never) => Error, status: number][] = [
  [BadBody, 400],
  [BadInput, 400],
  [NoSuchJob, 404],
  [NoSuchPath, 404],
  [NotAJob, 409],
  [TooLate, 409],
  [FilesGone, 410],
  [NoAnswer, 503],
  [StorageFailed, 503],
];

/** The HTTP status and body for an error. */
export function answerTo(error: unknown): { status: number; body: { error: { type: string; message: string } } } {
  // If the stream failed, body.ts threw the cause, or the caller has hung up.
  const cause = error instanceof StreamFailed ? error.cause : error;
  const status = STATUSES.find(([Known]) => cause instanceof Known)?.[1];
  if (status !== undefined) {
    const { name: type, message } = cause as Error;
    return { status, body: { error: { type, message } } };
  }
  if (error instanceof ServerFailed && error.temporary) {
    return { status: 503, body: { error: { type: error.name, message: error.message } } };
  }
  // Ours to fix: the log has it.
  console.error(error);
  return {
    status: 500,
    body: { error: { type: 'Failed', message: 'Something is wrong in this service; its log says what.' } },
  };
}
