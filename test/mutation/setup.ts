import fc from 'fast-check';

// The same examples for every mutant, and few of them. One that fails need not become smaller.
process.env['FUZZ_RUNS'] ??= '20';
fc.configureGlobal({ seed: 1, numRuns: 20, endOnFailure: true });
