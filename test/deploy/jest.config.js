import base from '../../jest.config.js';

const { globalSetup: _, globalTeardown: __, ...own } = base;

/** @type {import('jest').Config} Its systems have servers of their own. */
export default { ...own, rootDir: '../..', roots: ['<rootDir>/test/deploy'], testPathIgnorePatterns: [] };
