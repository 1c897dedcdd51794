import { BadInput, NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate } from '../client.ts';
import { BadConfig } from '../config.ts';
import { BadSource } from '../jobs/errors.ts';
import { CantDecrypt } from '../payloads/index.ts';
import { StorageFailed } from '../storage/storage.ts';

/** Only the person at the command line can fix it. The message says what was expected, what came, what to do. */
export class BadUse extends Error {
  override name = 'BadUse';
}

const EXPECTED = [
  ...[BadUse, BadConfig, BadInput, BadSource, CantDecrypt, StorageFailed],
  ...[NoAnswer, NoSuchJob, NotAJob, ServerFailed, TooLate],
];

/** What to print of an error: its message if that says what to do; all of it if it is a bug of ours. */
export const printableError = (error: unknown): unknown =>
  EXPECTED.some((Expected) => error instanceof Expected) ? (error as Error).message : error;
