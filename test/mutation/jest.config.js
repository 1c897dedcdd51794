import base from '../../jest.config.js';

/** Without the properties that take seconds, which only confirm what these say case by case. */
const SUITES = [
  'bigcommerce/{answer,headers,isolate,pace}',
  'jobs/{customer,pages,row-to-restore}',
  'jobs/sources/{csv,csv-line,heading,json-row}',
  'workflows/{hold,item-queue,job-steps,ledger,names,rate}',
];

/** @type {import('jest').Config} The unit suites of the pure cores, for Stryker. They need no Temporal server. */
export default {
  ...base,
  rootDir: '../..',
  // With the sources, so that jest knows which suites a source concerns.
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: SUITES.map((suite) => `<rootDir>/test/${suite}.test.ts`),
  setupFiles: ['<rootDir>/test/mutation/setup.ts'],
  globalSetup: undefined,
  globalTeardown: undefined,
  watchman: false,
};
