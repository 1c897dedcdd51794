import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Format } from '../../../src/contract/job.ts';
import { jobOptionsSchema } from '../../../src/contract/schema.ts';
import { BadSource, MissingSource } from '../../../src/jobs/sources/record.ts';
import { openSource } from '../../../src/jobs/sources/source.ts';
import { FileStorage } from '../../../src/storage/file.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { all, inline, newStorage, readAll } from '../support.ts';

const csv = jobOptionsSchema.parse({});
let root: Storage;
let folder: string;

beforeEach(async () => {
  root = await newStorage();
  folder = fileURLToPath(root.root);
});

const read = async (uri: string, format?: Format) => readAll(openSource({ uri, format }, [root], csv));

const FILES: [string, string][] = [
  ['csv', 'id,notes\n1,a\n'],
  ['tsv', 'id\tnotes\n1\ta\n'],
  ['txt', 'id|notes\n1|a\n'],
  ['ndjson', '{"id":1,"notes":"a"}\n'],
  ['jsonl', '{"id":1,"notes":"a"}\n'],
  ['json', '[{"id":1,"notes":"a"}]'],
];

test.each(FILES)('reads .%s and .gz of it by the extension, in any case', async (extension, text) => {
  const expected = [{ row: 1, line: expect.any(Number), value: { id: 1, notes: 'a' } }];
  await root.write(`x/a.${extension}`, [text]);
  await root.write(`x/a.${extension.toUpperCase()}.GZ`, [gzipSync(text)]);
  expect(await read(root.uri(`x/a.${extension}`))).toEqual(expected);
  expect(await read(root.uri(`x/a.${extension.toUpperCase()}.GZ`))).toEqual(expected);
});

test('takes the format that is given before the extension', async () => {
  await root.write('customers.dat', ['id,notes\n1,a\n']);
  await root.write('customers.gz', [gzipSync('{"id":1}')]);
  expect(await read(root.uri('customers.dat'), 'csv')).toHaveLength(1);
  expect(await read(root.uri('customers.gz'), 'ndjson')).toHaveLength(1);
});

test.each(['a.dat', 'csv', 'a.xlsx.gz', 'a.gz'])('lists the formats for a file named %s', (name) => {
  const open = () => openSource({ uri: root.uri(name) }, [root], csv);
  expect(open).toThrow(BadSource);
  expect(open).toThrow('ends in .csv, .tsv, .txt, .ndjson, .jsonl or .json, or one of these with .gz');
});

test('names the roots for a URI that leads elsewhere', async () => {
  const other = new FileStorage('/other');
  const uris = [
    'file:///etc/passwd.csv',
    `${root.root}/../a.csv`,
    `${root.root}/%2e%2e/a.csv`,
    `${root.root}-b/a.csv`,
    'a.csv',
  ];
  for (const uri of [...uris, 's3://bucket/a.csv', 'https://example.com/a.csv', `${root.root}/a%2F..%2F..%2Fb.csv`]) {
    const open = () => openSource({ uri }, [root, other], csv);
    expect(open).toThrow(BadSource);
    expect(open).toThrow(`below ${root.root}, file:///other (SOURCE_ROOTS), got ${uri}`);
  }
});

test("says that the starter's copy in another job store means two job stores", () => {
  const open = () => openSource({ uri: 'file:///other/data/sources/copies/abc/spring/spring.csv' }, [root], csv);
  expect(open).toThrow(BadSource);
  expect(open).toThrow(/starter and worker have different job stores. Set JOB_STORE of both/);
});

test('follows no link out of the roots', async () => {
  await mkdir(`${folder}/inside`);
  const outside = await newStorage();
  await outside.write('secret.csv', ['id,notes\n1,a\n']);
  await symlink(fileURLToPath(outside.uri('secret.csv')), `${folder}/link.csv`);
  await symlink(fileURLToPath(outside.root), `${folder}/inside/link`);
  for (const uri of [root.uri('link.csv'), root.uri('inside/link/secret.csv')]) {
    await expect(read(uri)).rejects.toThrow(BadSource);
    await expect(read(uri)).rejects.toThrow('a link that leads out');
  }
});

test('reads a file below any of the roots', async () => {
  const other = await newStorage();
  await other.write('a b/ü.csv', ['id,notes\n1,a\n']);
  const records = openSource({ uri: other.uri('a b/ü.csv') }, [root, other], csv);
  expect((await all(records)).flat()).toHaveLength(1);
});

test('says that a file is missing or a folder', async () => {
  await mkdir(`${folder}/folder.csv`);
  await expect(read(root.uri('missing.csv'))).rejects.toThrow(MissingSource);
  await expect(read(root.uri('missing.csv'))).rejects.toThrow(`There is no file at ${root.uri('missing.csv')}`);
  await expect(read(root.uri('folder.csv'))).rejects.toThrow('it is a folder');
  await expect(read(root.uri('folder.csv'))).rejects.not.toThrow(MissingSource);
});

test.each(FILES)('says that a compressed .%s is damaged or cut off', async (extension, text) => {
  const whole = gzipSync(text);
  await writeFile(`${folder}/cut.${extension}.gz`, whole.subarray(0, -12));
  await writeFile(`${folder}/plain.${extension}.gz`, text);
  for (const name of ['cut', 'plain']) {
    const reading = read(root.uri(`${name}.${extension}.gz`));
    await expect(reading).rejects.toThrow(BadSource);
    await expect(reading).rejects.toThrow(/^Expected a file compressed by gzip.* or not compressed: rename it/);
  }
});

test('lets a failure of the disk through as it is, compressed or not', async () => {
  const failure = new Error('the disk broke');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield gzipSync('').subarray(0, 5);
    throw failure;
  }
  const failing = { ...root, root: root.root, keyOf: (uri: string) => root.keyOf(uri), read: broken };
  for (const name of ['a.csv', 'a.csv.gz']) {
    await expect(all(openSource({ uri: root.uri(name) }, [failing as Storage], csv))).rejects.toBe(failure);
  }
});

test('numbers inline customers from 1', async () => {
  expect(await readAll(inline([{ id: 5 }, 'x']))).toEqual([
    { row: 1, line: null, value: { id: 5 } },
    { row: 2, line: null, value: 'x' },
  ]);
});
