// The AWS SDK would warn in every run about the Node.js that its later versions need.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** What needs more than this machine has: npm run test:s3, test:browser, test:deploy, test:postgres. */
export const SPECIAL = ['s3', 'browser', 'deploy', 'postgres'].map((folder) => `<rootDir>/test/${folder}/`);

/** @type {import('jest').Config} The default suite; test/slow/jest.config.js has everything. */
export default {
  roots: ['<rootDir>/test'],
  testPathIgnorePatterns: [...SPECIAL, '<rootDir>/test/slow/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironment: 'node',
  // One Temporal server for all suites that need one; each has a namespace of its own.
  globalSetup: '<rootDir>/test/support/run-setup.ts',
  globalTeardown: '<rootDir>/test/support/run-teardown.ts',
  // Only ends what hangs: the machine may be slow, and busy with other tests.
  testTimeout: 240_000,
  maxWorkers: 3,
};
