import { spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { jobsTable, type ListedJob } from '../../src/starter/list.ts';
import { stripControl } from '../../src/starter/terminal.ts';
import { failuresTable, shellWord } from '../../src/starter/words.ts';

const EVIL = '\u001b]0;title\u0007\u001b[2J\u001b[31mred\r\nJob:    forged\u202Egnp.exe\u009B2J\u2028';
const ACTS = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/u;

test('of what a terminal acts on, only line ends and colours stay in a text', () => {
  expect(stripControl(`\u001b[33mheld\u001b[39m\na\tb`)).toBe(`\u001b[33mheld\u001b[39m\na\tb`);
  expect(stripVTControlCharacters(stripControl(EVIL))).not.toMatch(ACTS);
  expect(stripControl(EVIL)).toMatch(/^\uFFFD]0;title\uFFFD\uFFFD\[2J/);
});

test("a table's line stays one line, whatever is in names and messages", () => {
  const job = { id: `customer-updates/abc/${EVIL}`, status: 'RUNNING', startedAt: new Date(), startedBy: EVIL };
  expect(jobsTable([job as ListedJob], Date.now(), (_, text) => text).split(/[\r\n\u2028]/)).toHaveLength(2);
  const failure = { row: 1, line: null, id: 1, outcome: 'rejected', code: 'rejected', message: EVIL } as const;
  expect(failuresTable([failure])).not.toMatch(ACTS);
});

test.each([EVIL, "it's\n\u001b", 'back\\slash\u0007', '$(rm -rf) `x`\n', '-x\n'])(
  'a shell reads the word %j as it was',
  (word) => {
    expect(shellWord(word)).not.toMatch(ACTS);
    expect(shellWord(word)).not.toContain('\n');
    const { stdout } = spawnSync('bash', ['-c', `printf %s ${shellWord(word)}`], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    expect(stdout).toBe(word);
  },
);
