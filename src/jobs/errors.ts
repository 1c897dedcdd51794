/** Why a job can't run or continue. Messages are for people and end up in histories, so they hold no customer data. */
export { BadInput } from '../contract/schema.ts';

/** The source can't be read as what it is supposed to be. */
export class BadSource extends Error {
  override name = 'BadSource';
}

/** The source names groups of the store, which has to be asked for them first. */
export class NamesNeeded extends Error {
  override name = 'NamesNeeded';
}

/** The job named by `retryOf` has left nothing to retry. */
export class NothingToRetry extends Error {
  override name = 'NothingToRetry';
}

/** A page of the job is missing or damaged. */
export class BadPage extends Error {
  override name = 'BadPage';
}
