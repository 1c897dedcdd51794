import base from '../../jest.config.js';

const SUITES = [
  'bigcommerce/{answer,headers,isolate,pace,pace.property}',
  'jobs/{customer,pages,present,row-to-restore}',
  'jobs/sources/{csv,csv-reader,json-row}',
  'workflows/{chunk-queue,hold,job,ledger}',
];

/** @type {import('jest').Config} The unit suites of the pure cores, for Stryker. They need no Temporal server. */
export default {
  ...base,
  rootDir: '../..',
  testMatch: SUITES.map((suite) => `<rootDir>/test/${suite}.test.ts`),
  setupFiles: ['<rootDir>/test/mutation/setup.ts'],
};
