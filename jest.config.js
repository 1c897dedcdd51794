// The AWS SDK would tell at each run which Node.js its later versions want.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/test'],
  // They need more than the others: npm run test:s3, test:browser, test:deploy, test:postgres.
  testPathIgnorePatterns: ['s3', 'browser', 'deploy', 'postgres'].map((folder) => `<rootDir>/test/${folder}/`),
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
  // One Temporal server for all suites, each with a namespace of its own.
  globalSetup: '<rootDir>/test/support/run-setup.ts',
  globalTeardown: '<rootDir>/test/support/run-teardown.ts',
  // Ends what hangs, and nothing else: the machine may be slow, and busy with other tests.
  testTimeout: 240_000,
  maxWorkers: 3,
};
