import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { checkCustomer } from '../../../src/jobs/customer.ts';
import { BadSource } from '../../../src/jobs/errors.ts';
import { type CsvOptions, csvRecords } from '../../../src/jobs/sources/csv.ts';
import { all, inPieces } from '../support.ts';

interface Reading extends Partial<CsvOptions> {
  size?: number;
}

const read = async (file: string | Uint8Array, { size, ...options }: Reading = {}) =>
  (await all(csvRecords(inPieces(file, size), { blankCells: 'keep', ignoreColumns: [], ...options }))).flat();

const values = async (file: string | Uint8Array, reading?: Reading) =>
  (await read(file, reading)).map(({ value, problem }) => problem?.message ?? value);

test.each([
  ['commas', 'id,notes\n1,a;b\n2,c\n'],
  ['semicolons', 'id;notes\n1;"a;b"\n2;c\n'],
  ['tabs', 'id\tnotes\n1\ta;b\n2\tc\n'],
  ['CRLF', 'id,notes\r\n1,a;b\r\n2,c\r\n'],
  ['a byte order mark', '\uFEFFid,notes\n1,a;b\n2,c\n'],
  ['a byte order mark and a quoted heading', '\uFEFF"id","notes"\n1,a;b\n2,c\n'],
  ['no end of line at the end', 'id,notes\n1,a;b\n2,c'],
  ['blank lines', '\n\r\nid,notes\n\n1,a;b\n  \n2,c\n\n\n'],
  ['other delimiters in quoted headings', '"id","no_tes"\n1,a;b\n2,c\n'],
  ['headings in any case, with spaces and underscores', ' Customer_ID , NO TES\n1,a;b\n2,c\n'],
])('reads a file with %s', async (_, file) => {
  for (const size of [1, 7, 1000]) {
    expect(await read(file, { size })).toEqual([
      { row: 1, value: { id: 1, notes: 'a;b' } },
      { row: 2, value: { id: 2, notes: 'c' } },
    ]);
  }
});

test.each(['', '\n\n', '\uFEFF', 'id,notes', 'id,notes\n', 'id,notes\r\n\r\n'])(
  'finds no record in %j',
  async (file) => {
    expect(await read(file)).toEqual([]);
  },
);

test('gives back any text, whatever quotes, line ends and delimiters are in it', async () => {
  const notes = fc.string({ unit: 'binary' }).filter((text) => text.trim() !== '');
  const delimiter = fc.constantFrom(',', ';', '\t');
  const size = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(notes),
      delimiter,
      fc.constantFrom('\n', '\r\n'),
      size,
      async (texts, comma, end, piece) => {
        const rows = texts.map((text, index) => [String(index + 1), text]);
        const file = stringify([['id', 'notes'], ...rows], { delimiter: comma, record_delimiter: end, quoted: true });
        const whole = texts.map((text) => Buffer.from(text).toString());
        expect(await values(file, { size: piece })).toEqual(
          whole.map((text, index) => ({ id: index + 1, notes: text })),
        );
      },
    ),
  );
});

test("reads the control panel's export", async () => {
  const file =
    'Customer ID,First Name,Last Name,Company,Email,Phone,Notes,Store Credit,Customer Group,Date Joined,Addresses,' +
    'Receive Review/Abandoned Cart Emails?,Tax Exempt Category\n' +
    '7,Zoë,Müller,,zoe@example.com,,"line one\nline two",12.50,3,2024-01-01,"1, Road",Yes,\n';
  expect(await values(file, { ignoreColumns: ['date joined', 'ADDRESSES'] })).toEqual([
    {
      id: 7,
      first_name: 'Zoë',
      last_name: 'Müller',
      email: 'zoe@example.com',
      notes: 'line one\nline two',
      store_credit_amounts: [{ amount: 12.5 }],
      customer_group_id: 3,
      accepts_product_review_abandoned_cart_emails: true,
    },
  ]);
});

test.each([
  ['id', ' 12 ', 12],
  ['id', '1e3', '1e3'],
  ['id', '0x10', '0x10'],
  ['id', '1,000', '1,000'],
  ['customer_group_id', '-1', -1],
  ['customer_group_id', 'Wholesale', 'Wholesale'],
  ['store_credit_amounts', '-3', [{ amount: -3 }]],
  ['store_credit_amounts', '$3', '$3'],
  ['store_credit_amounts', '[{"amount":3}]', [{ amount: 3 }]],
  ['channel_ids', '[1,2]', [1, 2]],
  ['channel_ids', '1,2', '1,2'],
  ['form_fields', '[{"name":"a","value":"b"}]', [{ name: 'a', value: 'b' }]],
  ['authentication', '{"force_password_reset":true}', { force_password_reset: true }],
  ['accepts_product_review_abandoned_cart_emails', 'TRUE', true],
  ['accepts_product_review_abandoned_cart_emails', 'no', false],
  ['accepts_product_review_abandoned_cart_emails', '1', true],
  ['accepts_product_review_abandoned_cart_emails', '0', false],
  ['accepts_product_review_abandoned_cart_emails', 'constructor', 'constructor'],
  ['notes', ' 12 ', ' 12 '],
  ['phone', '0049', '0049'],
])('reads the %s cell %j as %j', async (field, cell, value) => {
  const file = stringify([field === 'id' ? ['id'] : ['id', field], field === 'id' ? [cell] : ['1', cell]], {
    quoted: true,
  });
  expect(await values(file)).toEqual([field === 'id' ? { id: value } : { id: 1, [field]: value }]);
});

test('leaves the value of a blank cell as it is, or clears it where that can be done', async () => {
  const file = 'id,notes,company\n1, ,\n';
  expect(await values(file)).toEqual([{ id: 1 }]);
  const [cleared] = await values(file, { blankCells: 'clear' });
  expect(cleared).toEqual({ id: 1, notes: '', company: '' });
  expect(checkCustomer(cleared)).toBeUndefined();
});

test.each(['email', 'first_name', 'customer_group_id', 'store_credit_amounts', 'channel_ids', 'form_fields'])(
  'makes a row invalid that would clear %s',
  async (field) => {
    const [value] = await values(`id,notes,${field}\n1,x,\n`, { blankCells: 'clear' });
    expect(checkCustomer(value)?.message).toMatch(new RegExp(`^${field}: expected .*, got an empty text`));
  },
);

test('makes a row with too many or too few cells invalid', async () => {
  expect(await values('id,notes\n1\n2,b,c\n3,d\n')).toEqual([
    'Expected 2 cells, as many as headings, got 1.',
    'Expected 2 cells, as many as headings, got 3.',
    { id: 3, notes: 'd' },
  ]);
});

test('makes a row invalid whose cell is not UTF-8, and only that row', async () => {
  const file = Buffer.from('id,notes\n1,Zo\xeb\n2,Zo\xc3\xab\n', 'latin1');
  expect(await values(file)).toEqual([expect.stringMatching(/^notes: .*UTF-8/), { id: 2, notes: 'Zoë' }]);
});

test('makes a row with stray quotes invalid, and does not quote the cell', async () => {
  const stray = expect.stringMatching(
    /^Expected a cell with quotes in it to be quoted whole, each quote doubled, got a/,
  );
  const file = 'id,notes\n1,a\n2,bob"s"x\n3,"Bob "the man" Smith"\n4,d\n5,e"\n6,f\n';
  expect(await values(file)).toEqual([
    { id: 1, notes: 'a' },
    stray,
    stray,
    { id: 4, notes: 'd' },
    stray,
    { id: 6, notes: 'f' },
  ]);
});

test.each([
  ['id,notes\n1,a\n2,"b\n3,c\n', 'got a longer one at row 2, or a quote that never closes'],
  [`id,notes\n1,${'x'.repeat(1_100_000)}\n`, 'Expected records of at most 1048576 bytes, got a longer one at row 1'],
  [`"id,notes\n${'1,a\n'.repeat(300_000)}`, 'Expected records of at most 1048576 bytes'],
  ['id,"notes"x\n1,a\n', 'Expected headings, got a stray quote among them'],
  ['id,name\n1,a\n', 'Unknown headings: "name". Known headings: id, email, first_name'],
  ['id,Loyalty,notes,Date Joined\n', 'leave them out with --ignore "Loyalty" --ignore "Date Joined" (ignoreColumns)'],
  ['id,Date Joined,date_modified,notes\n', 'Read-only headings: "Date Joined", "date_modified". Known'],
  ['id,notes,\n1,a,\n', 'Unknown headings: "".'],
  ['id,notes,NOTES\n', 'Expected one column for notes, got two: "notes" and "NOTES"'],
  ['id,Customer ID\n', 'Expected one column for id, got two: "id" and "Customer ID"'],
  ['email,notes\na@b,x\n', 'Expected a column with the heading "id" or "Customer ID", got none'],
  ['17,bob@example.com,Bob\n', 'Expected a first line with headings, got none that is known'],
  ['id,bob@example.com\n', 'Unknown headings: a name of 15 characters'],
  [Buffer.from('id,notes,Gr\xf6\xdfe\n1,a,b\n', 'latin1'), 'Expected headings in UTF-8'],
  [Buffer.from('id,notes\n1,a\n', 'utf16le'), 'Save the file as CSV in UTF-8'],
  [Buffer.from('PK\x03\x04\x14\x00\x06\x00 spreadsheet "x"y\n', 'latin1'), 'Save the file as CSV in UTF-8'],
  [gzipSync('id,notes\n1,a\n'), 'if it is compressed, have its name end in .gz'],
])('refuses %j before any record', async (file, message) => {
  for (const size of file.length < 1000 ? [3, 200] : [200_000]) {
    const records = read(file, { size });
    await expect(records).rejects.toThrow(BadSource);
    await expect(records).rejects.toThrow(message);
    await expect(records).rejects.not.toThrow('bob@');
  }
});

test('leaves out columns by name, known ones too', async () => {
  expect(await values('id,notes,E-Mail,Date Joined\n1,a,b,c\n', { ignoreColumns: ['e-mail', 'DATE_JOINED'] })).toEqual([
    { id: 1, notes: 'a' },
  ]);
  await expect(read('id,notes\n', { ignoreColumns: ['id'] })).rejects.toThrow('heading "id"');
});
