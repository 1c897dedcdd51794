import fc from 'fast-check';

// The same examples for every mutant. What the first second does not find is left to `npm test`, and one that fails need
// not become smaller.
fc.configureGlobal({ seed: 1, interruptAfterTimeLimit: 1_000, endOnFailure: true });
