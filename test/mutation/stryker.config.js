import { fileURLToPath } from 'node:url';

/** Options of Stryker: what `npm run mutation` breaks are the pure cores, one expression at a time. */
export default {
  mutate: [
    'src/bigcommerce/{answer,concurrency,headers,isolate,pace}.ts',
    'src/jobs/{fields,pages}.ts',
    'src/jobs/sources/{columns,csv-line,heading}.ts',
    'src/contract/look-ups.ts',
    'src/workflows/{enter,hold,holding,item-queue,job,latest-failures,ledger,rate,work}.ts',
  ],
  // Nearly all are sentences for people; names of kinds and states would change the types.
  mutator: { excludedMutations: ['StringLiteral'] },
  testRunner: 'jest',
  jest: { configFile: 'test/mutation/jest.config.js' },
  coverageAnalysis: 'perTest',
  // The machine may be busy: only what never ends counts as a timeout.
  timeoutMS: 15_000,
  concurrency: 2,
  plugins: ['@stryker-mutator/jest-runner', fileURLToPath(new URL('table.js', import.meta.url))],
  reporters: ['progress-append-only', 'clear-text', 'html', 'table'],
  htmlReporter: { fileName: '.cache/mutation.html' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
  incremental: true,
  incrementalFile: '.cache/mutation.json',
  tempDirName: '.cache/stryker',
  // Stryker can't read a tsconfig.json with TypeScript 7, and needs none: swc only strips types.
  ignorePatterns: ['.cache', 'dist', 'dist.*', 'data', 'docs', 'bench/results', 'tsconfig.json'],
  thresholds: { high: 95, low: 85, break: 85 },
};
