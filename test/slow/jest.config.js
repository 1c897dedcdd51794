import base, { SPECIAL } from '../../jest.config.js';

process.env.FUZZ_RUNS ??= '200';

/** @type {import('jest').Config} The default suite, and what takes longer. */
export default { ...base, rootDir: '../..', testPathIgnorePatterns: SPECIAL };
