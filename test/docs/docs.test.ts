/** Everything the documents name exists, and everything that exists is documented. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const filesLike = (pattern: string): string[] => {
  const files = ['ls-files', '--cached', '--others', '--exclude-standard', pattern];
  return spawnSync('git', files, { encoding: 'utf8' }).stdout.trim().split('\n').filter(existsSync);
};
const DOCUMENTS = filesLike('*.md');
const read = (path: string): string => readFileSync(path, 'utf8');
const runbook = read('docs/runbook.md');

const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, first = '']) => first);

/** The anchors of a document's headings. */
const anchors = (text: string): string[] =>
  found(text, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

test.each(DOCUMENTS)('the links of %s work', (document) => {
  const links = found(read(document), /\]\((?!https?:)([^)\s]+)\)/g);
  const broken = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? document : join(dirname(document), path);
    return !existsSync(target) || (anchor !== undefined && !anchors(read(target)).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test.each(DOCUMENTS.filter((document) => document !== 'CHANGELOG.md'))(
  'the npm scripts that %s names exist',
  (document) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: object };
    const own = document.startsWith('examples/') ? [] : found(read(document), /npm run (?:--silent )?([\w:-]+)/g);
    expect(own.filter((script) => !(script in scripts))).toEqual([]);
  },
);

const help = spawnSync(process.execPath, ['dist/starter.js', '--help'], { encoding: 'utf8' }).stdout;
const COMMANDS = found(help, /^ {2}([a-z]+) /gm);

test.each(DOCUMENTS)("the starter's commands that %s names exist", (document) => {
  const named = found(read(document), /starter -- ([a-z]+)/g);
  expect(named.filter((command) => !COMMANDS.includes(command))).toEqual([]);
});

describe('the runbook says what to do', () => {
  /** The first column of its tables. */
  const rows = found(runbook, /^\| `(\w+)`/gm);

  const { state, waitingFor } = JSON.parse(read('schemas/progress.schema.json')).properties;

  test.each<string>(state.enum)('in the state %s', (state) => expect(rows).toContain(state));

  test.each<string>(waitingFor.anyOf[0].properties.kind.enum)('when a job waits for %s', (kind) => {
    expect(rows).toContain(kind);
  });

  test.each(found(read('src/contract/job.ts'), /^export type JobFailureType = (.+);$/gm)[0]?.split(' | ') ?? [])(
    'when a job fails with %s',
    (type) => expect(rows).toContain(type.slice(1, -1)),
  );

  test.each(found(read('src/contract/job.ts').split('export type OutcomeCode =')[1]?.split(';')[0] ?? '', /'(\w+)'/g))(
    'when a row has the code %s',
    (code) => expect(rows).toContain(code),
  );

  const alerts = read('ops/alerts.yml');

  test.each(found(alerts, /- alert: (\w+)/g))('at the alert %s, which names it', (alert) => {
    expect(runbook).toContain(`\n### ${alert}\n`);
    expect(alerts).toContain(`runbook: docs/runbook.md#${alert.toLowerCase()}\n`);
  });
});

test('the tests that docs/hostile-input.md names are there', () => {
  const titles = read('docs/hostile-input.md')
    .replaceAll('\\_', '_')
    .matchAll(/\| test \(([\w-]+)\)|(?:([\w-]+) )?"([^"]+)"/g);
  let suite = '';
  const missing = [...titles].flatMap(([, ofTable, named, title]) => {
    suite = ofTable ?? named ?? suite;
    const suites = filesLike(`test/*/${suite}.test.ts`).map((path) => read(path).replaceAll("\\'", "'"));
    return title === undefined || suites.some((text) => text.includes(title)) ? [] : [`${suite} "${title}"`];
  });
  expect(missing).toEqual([]);
});
