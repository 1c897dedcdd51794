import { readFile, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { progressQuery } from '../../src/contract/job.ts';
import { runStarter } from '../support/starter.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ emulator: ['--customers', '1000'] });

const starter = (...args: string[]) => runStarter(system, args, system.folder);

/** As a person does in a spreadsheet: what is wrong with the customers 21 to 24. */
const CORRECTED: [wrong: string, right: string][] = [
  ['900021', '21'],
  ['#REF!', 'Zoë; "22"'],
  ['x23', '23'],
  ['4.47912E+11', '+44 24'],
];

const csv = (delimiter: string, lineEnd: string) =>
  [
    ['Customer ID', 'First Name', 'Notes', 'Phone', 'Shoe size'],
    ['11', 'Ann', '"a ""b"""', '=cmd', '1'],
    ['900021', 'Bert', `"one${lineEnd}two"`, "'+44 1", '-2'],
    ['22', 'Çem', '#REF!', '', ''],
    ['x23', 'Dörte', 'd', '', ''],
    ['24', 'Eve', 'e', '4.47912E+11', ''],
    ['11', 'Fay', 'twice', '', ''],
  ]
    .map((cells) => cells.join(delimiter))
    .join(lineEnd);

const rows = [
  { id: 11, first_name: 'Ann' },
  { id: 900021, first_name: 'Bert', notes: 'one\ntwo', phone: '+44 1' },
  { 'Customer ID': 22, notes: '#REF!', first_name: 'Çem' },
  { id: 'x23', first_name: 'Dörte', notes: 'd' },
  { id: 24, first_name: 'Eve', notes: 'e', phone: '4.47912E+11' },
  { id: 11, notes: 'twice' },
];
const ndjson = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test.each<[string, string | Buffer, string[]]>([
  ['comma.csv', csv(',', '\n'), []],
  ['semicolon.csv', `sep=;\r\n${csv(';', '\r\n')}`, []],
  ['windows.csv', Buffer.from(csv(';', '\r\n'), 'latin1'), ['--encoding', 'windows-1252']],
  ['tab.tsv.gz', gzipSync(csv('\t', '\n')), []],
  ['lines.ndjson', ndjson, []],
  ['list.json', JSON.stringify({ data: rows }, null, 2), []],
  ['list.json.gz', gzipSync(JSON.stringify(rows)), []],
])('the rows of %s that were not sent are corrected in its fix file, and sent', async (name, content, options) => {
  await writeFile(`${system.folder}/${name}`, content);
  const ignore = ['--ignore', 'Shoe size', '--blank-words', '-2'];
  const reading = name.includes('json') ? [] : ignore;
  const job = `fix-${name.split('.').join('-')}`;
  const first = await starter('start', name, '--store', 'abc', '--name', job, ...reading, ...options);
  expect(first).toMatchObject({ code: 1 });
  const named = first.output.match(/Fix: {4}(\/.*\/jobs\/abc\/.*\/fix\.(?:csv|ndjson))/)?.[1];
  expect(first.output).toContain(`npm run starter -- fix customer-updates/abc/${job}`);

  const fetched = await starter('fix', job, '--store', 'abc');
  expect(fetched).toMatchObject({ code: 0 });
  const path = fetched.output.match(/Fix: {4}(.*)/)?.[1] as string;
  const fix = await readFile(path, 'utf8');
  expect(fix).toBe(await readFile(named as string, 'utf8'));

  // What the result counts as rejected and invalid, less the second row of a customer.
  const { customers, notes } = await system.client.workflow
    .getHandle(`customer-updates/abc/${job}`)
    .query(progressQuery);
  const delimiter = name.startsWith('comma') ? ',' : name.startsWith('tab') ? '\t' : ';';
  const records = name.includes('json') ? fix.trim().split('\n') : parse(fix, { bom: true, columns: true, delimiter });
  expect(records).toHaveLength(customers.rejected + customers.invalid - 1);
  expect(notes?.join()).toContain('1 whose customer has an earlier row');

  const isJson = name.includes('json');
  const quoted = (text: string) => (isJson ? JSON.stringify(text).slice(1, -1) : text.replaceAll('"', '""'));
  let edited = fix;
  for (const [wrong, right] of CORRECTED) {
    expect(edited).toContain(wrong);
    edited = edited.replace(wrong, isJson || right.startsWith('2') ? quoted(right) : `"${quoted(right)}"`);
  }
  await writeFile(path, edited);
  const command = fetched.output.match(/npm run starter -- (start .*)/)?.[1] as string;
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, inQuotes, word]) => inQuotes ?? (word as string));
  expect(await starter(...words)).toMatchObject({ code: 0 });
  expect(await system.customer(11)).toMatchObject({ first_name: 'Ann', ...(isJson ? {} : { phone: '=cmd' }) });
  expect(await system.customer(21)).toMatchObject({ first_name: 'Bert', phone: '+44 1' });
  expect((await system.customer(21))['notes']).toMatch(/^one\r?\ntwo$/);
  expect(await system.customer(22)).toMatchObject({ first_name: 'Çem', notes: 'Zoë; "22"' });
  expect(await system.customer(23)).toMatchObject({ first_name: 'Dörte', notes: 'd' });
  expect(await system.customer(24)).toMatchObject({ first_name: 'Eve', phone: '+44 24' });
});

test('retry that finds nothing to send again names the rows to correct', async () => {
  await writeFile(`${system.folder}/a.csv`, csv(',', '\n'));
  await starter('start', 'a.csv', '--store', 'abc', '--name', 'nothing-left', '--ignore-unknown');
  const { code, output } = await starter('retry', 'nothing-left', '--store', 'abc');
  expect(output).toMatch(/rejected and invalid rows are in file:.*fix\.csv/);
  expect(code).toBe(3);
});

test.each<[string, (path: string) => Promise<void>]>([
  ['changed', (path) => writeFile(path, 'id,notes\n1,other\nx,b\n')],
  ['was deleted', (path) => rm(path)],
])('a job whose source %s says that there is no fix file', async (what, change) => {
  const path = `${system.folder}/data/sources/mine.csv`;
  await starter('start', 'a.csv', '--store', 'abc', '--name', `before-${what.length}`, '--ignore-unknown');
  await writeFile(path, `id,notes\nx,b\n${Array.from({ length: 200 }, (_, index) => `${index + 1},a\n`).join('')}`);
  await system.control('faults', { fault: 'latency', ms: 300 });
  const handle = await system.start(`changed-${what.length}`, { storeHash: 'abc', source: { uri: `file://${path}` } });
  await until(async () => (await handle.query(progressQuery)).chunks.done > 0);
  await change(path);
  await system.control('faults', { fault: 'latency', ms: 0 });
  const result = await handle.result();
  expect(result).toMatchObject({ customers: { updated: 200, invalid: 1 }, fix: null });
  expect(result.notes?.join()).toMatch(/the source has changed since the job read it, or is no longer there/);
});
