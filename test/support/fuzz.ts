/** How often a property is tried: 50 times in `npm test`, 200 times in `npm run test:all`, 10,000 times in `npm run fuzz`. */
export const RUNS = Number(process.env['FUZZ_RUNS'] || 50);

/** The longest that a test of such a property may take, in ms. */
export const FUZZ_MS = Math.max(240_000, RUNS * 200);
