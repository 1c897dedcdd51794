import base, { SPECIAL } from '../../jest.config.js';

/** @type {import('jest').Config} The default suite, and what takes longer. */
export default { ...base, rootDir: '../..', testPathIgnorePatterns: SPECIAL };
