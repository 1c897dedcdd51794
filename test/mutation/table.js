const UNKILLED = ['Survived', 'NoCoverage'];
const KILLED = ['Killed', 'Timeout'];

/** Prints the table of docs/evidence.md. */
class Table {
  onMutationTestReportReady({ files }) {
    const results = Object.entries(files).map(([file, { mutants }]) => ({ file, mutants }));
    const all = { file: 'all', mutants: results.flatMap(({ mutants }) => mutants) };
    console.log(
      [
        '| file | score | killed | of them by a timeout | survived | not reached by a test |',
        '| - | - | - | - | - | - |',
      ]
        .concat([...results, all].map(row))
        .join('\n'),
    );
  }
}

function row({ file, mutants }) {
  const count = (...states) => mutants.filter(({ status }) => states.includes(status)).length;
  const [killed, unkilled] = [count(...KILLED), count(...UNKILLED)];
  const score = ((100 * killed) / (killed + unkilled)).toFixed(1);
  return `| ${[file, `${score}%`, killed, count('Timeout'), count('Survived'), count('NoCoverage')].join(' | ')} |`;
}

/** For Stryker, which finds it under `plugins`. */
export const strykerPlugins = [{ kind: 'Reporter', name: 'table', injectableClass: Table }];
