// Prints "N passed, N failed" from the results that jest wrote, added up. A suite that could not run counts as one failure.
import { readFileSync } from 'node:fs';

const results = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const sum = (...fields) =>
  results.reduce((total, result) => fields.reduce((all, field) => all + result[field], total), 0);

const skipped = sum('numPendingTests', 'numTodoTests');
console.log(
  `${sum('numPassedTests')} passed, ${sum('numFailedTests', 'numRuntimeErrorTestSuites')} failed` +
    (skipped > 0 ? `, ${skipped} skipped` : ''),
);
