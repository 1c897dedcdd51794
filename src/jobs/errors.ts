/** Why a job can't run, or go on. Messages are for people and end up in histories: they hold no customer's data. */
export { BadInput } from '../contract/schema.ts';

/** The source can't be read as what it should be. */
export class BadSource extends Error {
  override name = 'BadSource';
}

/** The job given as `retryOf` has left nothing to send again. */
export class NothingToRetry extends Error {
  override name = 'NothingToRetry';
}

/** A page of the job is missing or damaged. */
export class BadPage extends Error {
  override name = 'BadPage';
}
