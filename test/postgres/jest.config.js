import base from '../../jest.config.js';

/** @type {import('jest').Config} The end-to-end core, against Temporal's server on PostgreSQL. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/e2e', '<rootDir>/test/client', '<rootDir>/test/postgres'],
  // Of the package, not of a server.
  testPathIgnorePatterns: ['<rootDir>/test/client/package'],
  globalSetup: '<rootDir>/test/postgres/setup.ts',
  globalTeardown: '<rootDir>/test/postgres/teardown.ts',
};
