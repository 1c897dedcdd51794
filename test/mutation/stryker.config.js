/** Options of Stryker: what `npm run mutation` breaks are the pure cores, one expression at a time. */
export default {
  mutate: [
    'src/bigcommerce/{answer,concurrency,headers,isolate,pace}.ts',
    'src/jobs/{fields,pages}.ts',
    'src/jobs/sources/{columns,csv-line,csv-reader,heading}.ts',
    'src/workflows/{chunk-queue,hold,job,ledger}.ts',
  ],
  // Nearly all are sentences for people; names of kinds and states would change the types.
  mutator: { excludedMutations: ['StringLiteral'] },
  testRunner: 'jest',
  jest: { configFile: 'test/mutation/jest.config.js' },
  coverageAnalysis: 'perTest',
  // The machine may be busy: only what never ends counts as a timeout.
  timeoutMS: 20_000,
  concurrency: 2,
  reporters: ['clear-text', 'html'],
  htmlReporter: { fileName: '.cache/mutation.html' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: '.cache/stryker',
  // Stryker can't read a tsconfig.json with TypeScript 7, and needs none: swc only strips types.
  ignorePatterns: ['.cache', 'dist', 'dist.*', 'data', 'docs', 'bench/results', 'tsconfig.json'],
  thresholds: { high: 95, low: 85, break: 85 },
};
