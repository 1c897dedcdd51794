import base from '../../jest.config.js';

/** @type {import('jest').Config} The suites that use a Temporal server, on its production build and PostgreSQL. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['e2e', 'client', 'slow', 'postgres'].map((folder) => `<rootDir>/test/${folder}`),
  testPathIgnorePatterns: ['carried', 'dev-server', 'little-memory', 'max-chunks', 'package', 'starter', 'worker'].map(
    (suite) => `<rootDir>/test/slow/${suite}`,
  ),
  globalSetup: '<rootDir>/test/postgres/setup.ts',
  globalTeardown: '<rootDir>/test/postgres/teardown.ts',
};
