import { ServiceError } from '@temporalio/client';
import { BadInput, NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from '../client.ts';
import { BadConfig } from '../config.ts';
import { CantDecrypt } from '../payloads/index.ts';
import { detailsOf } from '../temporal/grpc.ts';
import { BadSource } from '../jobs/errors.ts';
import { StorageFailed } from '../storage/storage.ts';

/** Something that the person at the command line has to mend. The message says what was expected, what came, what to do. */
export class BadUse extends Error {
  override name = 'BadUse';
}

const EXPECTED = [
  ...[BadUse, BadConfig, BadInput, BadSource, CantDecrypt, StorageFailed],
  ...[NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate],
];

/** What to tell a person of an error: its message where that says what to do, all of it where it is a mistake of ours. */
export function wordsFor(error: unknown): unknown {
  if (EXPECTED.some((Expected) => error instanceof Expected)) return (error as Error).message;
  return error instanceof ServiceError ? `The Temporal server can't be asked: ${detailsOf(error)}` : error;
}
