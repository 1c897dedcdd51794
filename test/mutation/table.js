const UNKILLED = ['Survived', 'NoCoverage'];
const KILLED = ['Killed', 'Timeout'];

/** Prints the table of docs/evidence.md. */
class Table {
  #files = {};

  /** Comes twice: with what was asked for, then with all that is known from earlier runs too. */
  onMutationTestReportReady({ files }) {
    this.#files = files;
  }

  wrapUp() {
    const results = Object.keys(this.#files)
      .sort()
      .map((file) => ({ file, mutants: this.#files[file].mutants }));
    const all = { file: 'all', mutants: results.flatMap(({ mutants }) => mutants) };
    console.log(
      '| file | score | killed | of these by a timeout | survived | reached by no test |\n| - | - | - | - | - | - |',
    );
    for (const result of [...results, all]) console.log(row(result));
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
