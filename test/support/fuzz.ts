/** How often a property is tried: a few hundred times in `npm test`, 10,000 times in `npm run fuzz`. */
export const RUNS = Number(process.env['FUZZ_RUNS'] || 200);

/** The longest that a test of such a property may take, in ms. */
export const FUZZ_MS = Math.max(240_000, RUNS * 200);
