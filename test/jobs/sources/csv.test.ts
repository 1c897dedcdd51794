import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { checkCustomer } from '../../../src/jobs/customer.ts';
import { Attributes } from '../../../src/jobs/attributes.ts';
import { Groups } from '../../../src/jobs/groups.ts';
import { NamesNeeded } from '../../../src/jobs/names.ts';
import { BadSource } from '../../../src/jobs/sources/record.ts';
import { type CsvOptions, csvRecords } from '../../../src/jobs/sources/csv.ts';
import { textOf, trimmed } from '../../../src/jobs/sources/text.ts';
import { inPieces, readAll } from '../support.ts';

interface Reading extends Partial<CsvOptions> {
  size?: number;
  encoding?: string | null;
  notes?: string[];
}

const defaults: CsvOptions = {
  match: 'id',
  blankCells: 'keep',
  ignoreColumns: [],
  ignoreUnknown: false,
  columns: {},
  blankWords: [],
  trustQuotes: false,
};

const read = async (file: string | Uint8Array, { size, encoding, notes, ...options }: Reading = {}) => {
  const text = textOf(inPieces(file, size), encoding);
  return readAll(csvRecords(text, { ...defaults, ...options }, (note) => notes?.push(note)));
};

const values = async (file: string | Uint8Array, reading?: Reading) =>
  (await read(file, reading)).map(({ value, problem }) => problem?.message ?? value);

const groups = new Groups([
  { id: 3, name: 'VIP' },
  { id: 4, name: 'Retail' },
]);

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
  ['pipes', 'id|notes\n1|a;b\n2|c\n'],
  ['carriage returns', 'id,notes\r1,a;b\r2,c\r'],
  ['a line that says which delimiter it has', 'sep=;\r\nid;notes\r\n1;"a;b"\r\n2;c\r\n'],
  ['such a line that is wrong', 'sep=;\nid,notes\n1,a;b\n2,c\n'],
  ['such a line that a spreadsheet has saved again', '"sep=,",\nid,notes\n1,a;b\n2,c\n'],
  ['headings in any case, with spaces and underscores', ' Customer_ID , NO TES\n1,a;b\n2,c\n'],
  ['headings with signs', 'Customer #,*Notes*:\n1,a;b\n2,c\n'],
  ['invisible characters around cells', '\u200Bid\u00A0,notes \n\u00A01,\u200Ba;b \n 2\uFEFF,c\n'],
  ['a heading over two lines', '"Customer\nID",notes\n1,a;b\n2,c\n'],
  ['titles above the headings', 'Customers of spring\n\nid,notes\n1,a;b\n2,c\n'],
  ['blank cells at the end of headings and rows', 'id,notes,,\n1,a;b,,,,\n2,c\n,,,\n'],
  ['texts kept from being numbers', `id,notes\n="1",a;b\n'2,"=""c"""\n`],
  ['what DOS puts at the end of a file', 'id,notes\r\n1,a;b\r\n2,c\r\n\x1A'],
])('reads a file with %s', async (_, file) => {
  for (const size of [1, 7, 1000]) {
    expect(await read(file, { size })).toEqual([
      { row: 1, line: expect.any(Number), value: { id: 1, notes: 'a;b' } },
      { row: 2, line: expect.any(Number), value: { id: 2, notes: 'c' } },
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
  const notes = fc
    .string({ unit: 'binary' })
    .filter(
      (text) => text.isWellFormed() && !text.includes('\0') && text.trim() !== '' && !text.trim().startsWith('='),
    );
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
        const records = await read(file, { size: piece, trustQuotes: true });
        expect(records.map(({ problem }) => problem)).toEqual(texts.map(() => undefined));
        const found = records.map(({ value }) => (value as { notes?: string }).notes ?? '');
        // Blanks around a cell don't count, nor does the apostrophe that keeps a spreadsheet from calculating.
        expect(found.map((text) => text.replace(/^'/, ''))).toEqual(
          texts.map((text) => trimmed(text).replace(/^'/, '')),
        );
      },
    ),
  );
});

test("reads the control panel's export", async () => {
  const file =
    'Customer ID,First Name,Last Name,Company,Email,Phone,Notes,Store Credit,Customer Group,Date Joined,Addresses,' +
    'Receive Review/Abandoned Cart Emails?,Tax Exempt Category\n' +
    '7,Zoë,Müller,,zoe@example.com,,"line one\nline two",12.50,vip,2024-01-01,"1, Road",Yes,\n';
  expect(await values(file, { groups, ignoreColumns: ['date joined', 'ADDRESSES'] })).toEqual([
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
  ['store_credit_amounts', '$3', [{ amount: 3 }]],
  ['store_credit_amounts', '3,50', '3,50'],
  ['store_credit_amounts', '[{"amount":3}]', [{ amount: 3 }]],
  ['channel_ids', '[1,2]', [1, 2]],
  ['channel_ids', '1,2', [1, 2]],
  ['channel_ids', '1', [1]],
  ['form_fields', '[{"name":"a","value":"b"}]', [{ name: 'a', value: 'b' }]],
  ['authentication', '{"force_password_reset":true}', { force_password_reset: true }],
  ['accepts_product_review_abandoned_cart_emails', 'TRUE', true],
  ['accepts_product_review_abandoned_cart_emails', 'no', false],
  ['accepts_product_review_abandoned_cart_emails', '1', true],
  ['accepts_product_review_abandoned_cart_emails', '0', false],
  ['accepts_product_review_abandoned_cart_emails', 'constructor', 'constructor'],
  ['notes', ' 12 ', '12'],
  ['notes', "'12", '12'],
  ['notes', "'t Hooft", "'t Hooft"],
  ['notes', '="0173"', '0173'],
  ['phone', '0049', '0049'],
])('reads the %s cell %j as %j', async (field, cell, value) => {
  const [other, there] = field === 'id' ? (['company', 'x'] as const) : (['id', 1] as const);
  const file = stringify(
    [
      [other, field],
      [String(there), cell],
    ],
    { quoted: true },
  );
  expect(await values(file)).toEqual([{ [other]: there, [field]: value }]);
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
    expect(checkCustomer(value)?.message).toMatch(new RegExp(`^${field}: a blank .* can't be cleared`));
  },
);

test('a row may be shorter than the headings, and longer by blank cells only', async () => {
  expect(await values('id,notes,company\n1\n2,b,c,d\n3,d\n4,e,f,,\n')).toEqual([
    { id: 1 },
    'Expected at most 3 cells, as many as headings, got 4.',
    { id: 3, notes: 'd' },
    { id: 4, notes: 'e', company: 'f' },
  ]);
});

test('a cell that is not there is kept, never cleared', async () => {
  expect(await values('id,notes,company\n1,\n', { blankCells: 'clear' })).toEqual([{ id: 1, notes: '' }]);
});

test('a last row that is cut off is not sent', async () => {
  expect(await values('id,notes,company\n1,a,b\n2,c')).toEqual([
    { id: 1, notes: 'a', company: 'b' },
    expect.stringMatching(
      /^Line 3 has fewer cells than there are headings, and no line end: the file seems to be cut off/,
    ),
  ]);
});

test('a value below a blank heading is a shifted row', async () => {
  expect(await values('id,notes,\n1,a,b\n2,c,\n')).toEqual([
    expect.stringMatching(/^Expected no value below a blank heading, got one in cell 3/),
    { id: 2, notes: 'c' },
  ]);
});

test('a row that is not UTF-8 costs itself, and says what to try', async () => {
  const file = Buffer.from('id,notes\n1,Zo\xeb\n2,Zo\xc3\xab\n', 'latin1');
  const records = await read(file, { size: 3 });
  expect(records.map(({ value }) => checkCustomer(value)?.message)).toEqual([
    expect.stringMatching(/^notes: expected .* bytes that are not UTF-8.*--encoding windows-1252/),
    undefined,
  ]);
});

test('a row that can not be read still says whose it is, and where', async () => {
  const file = 'notes,id\n"a\n"b",12\nx,13\nfoo "bar" baz,14\na,b,15\n';
  const found = await read(file);
  expect(found.map(({ line, value, problem }) => [line, (value as { id: unknown }).id, problem?.code])).toEqual([
    [2, '', 'invalid_field'],
    [3, 12, 'invalid_field'],
    [4, 13, undefined],
    [5, 14, 'invalid_field'],
    [6, 'b', 'invalid_field'],
  ]);
});

test('the headings once more are a row that is not sent; others in their place stop the file', async () => {
  expect(await values('id,notes\n1,a\nid,notes\n2,b\n')).toEqual([
    { id: 1, notes: 'a' },
    'Expected a customer, got the headings once more.',
    { id: 2, notes: 'b' },
  ]);
  await expect(read('id,notes,phone\n1,a,2\nid,phone,notes\n2,3,b\n')).rejects.toThrow(
    'Line 3 has headings again, and not the same ones',
  );
});

test('says what it left out', async () => {
  const notes: string[] = [];
  const file = 'Export of today\nid,Notes,Date Joined,Addresses,Address Line 1 - 2,Address City - 12\n1,a,b,c,d,e\n';
  expect(await values(file, { notes })).toEqual([{ id: 1, notes: 'a' }]);
  expect(notes).toEqual([
    'Left out above the headings: line 1.',
    'Left out, because this API can\'t set them: "Date Joined", "Addresses", "Address Line 1 - 2", "Address City - 12".',
  ]);
});

test.each([
  ['windows-1252', Buffer.from('id;notes\n1;Zo\xeb \x80\n', 'latin1'), 'Zoë €'],
  ['shift_jis', Buffer.from([...Buffer.from('id,notes\n1,'), 0x83, 0x7c, 0x0a]), 'ポ'],
  ['utf-16le', Buffer.from('id,notes\n1,Zoë\n', 'utf16le'), 'Zoë'],
  [undefined, Buffer.from('\uFEFFid,notes\n1,Zoë\n', 'utf16le'), 'Zoë'],
  [undefined, Buffer.from('\uFEFFid,notes\n1,Zoë\n', 'utf16le').swap16(), 'Zoë'],
  ['windows-1252', Buffer.from('\uFEFFid,notes\n1,Zoë\n'), 'Zoë'],
])('reads %s', async (encoding, file, notes) => {
  for (const size of [1, 3, 1000]) {
    expect(await values(file, { size, ...(encoding && { encoding }) })).toEqual([{ id: 1, notes }]);
  }
});

test.each<[string, string | Buffer, string]>([
  [
    'a long line',
    `id,notes\n1,${'x'.repeat(1_100_000)}\n`,
    'Expected lines of at most 1,048,576 characters, got more in line 2',
  ],
  ['an open quote in the headings', `"id,notes\n${'1,a\n'.repeat(300_000)}`, 'Expected headings: line 1 opens a quote'],
  ['a stray quote in the headings', 'id,"notes"x\n1,a\n', 'Expected headings: line 1 opens a quote'],
  ['unknown headings', 'id,Loyalty,notes,$HOME\n', `Unknown headings: "Loyalty", '$HOME'. Known headings: id, email`],
  [
    'an unknown heading',
    'id,Loyalty,notes\n',
    'Say what a column holds with --column "Loyalty=company" or "Loyalty=attribute:NAME" (columns). To leave columns out: --ignore "Loyalty" (ignoreColumns), or',
  ],
  [
    'almost known headings',
    'id,Not Date Joined,Addresses 2,notes\n',
    'Unknown headings: "Not Date Joined", "Addresses 2".',
  ],
  ['a blank heading', 'id,,notes\n1,a,b\n', 'Unknown headings: "".'],
  ['two headings for one field', 'id,notes,NOTES*\n', 'Expected one column for notes, got two: "notes" and "NOTES*"'],
  ['two ids', 'id,Customer ID,notes\n', 'Expected one column for id, got two: "id" and "Customer ID"'],
  ['nothing to update', 'id\n1\n', 'Expected a column to update besides the id'],
  ['no id', 'email,notes\na@b,x\n', 'Expected a column with the heading "id" or "Customer ID", got none'],
  [
    'no headings',
    '17,bob@example.com,Bob\n',
    'Expected headings in the first line, but none of its cells is a known one',
  ],
  ['data in the headings', 'id,bob@example.com\n', 'Unknown headings: a text of 15 characters'],
  ['a row above the headings', '511,bob@example.com\nid,email\n1,a@b.c\n', 'below line 1, which looks like a row'],
  [
    'headings that are not UTF-8',
    Buffer.from('id,notes,Gr\xf6\xdfe\n1,a,b\n', 'latin1'),
    'Expected headings in UTF-8, got bytes that are not',
  ],
  ['UTF-16', Buffer.from('id,notes\n1,a\n', 'utf16le'), 'looks like UTF-16. Start the job with --encoding utf-16le'],
  [
    'UTF-16, big-endian',
    Buffer.from('id,notes\n1,a\n', 'utf16le').swap16(),
    'looks like UTF-16. Start the job with --encoding utf-16be',
  ],
  [
    'gzip',
    gzipSync('id,notes\n1,a\n'),
    'This file is compressed by gzip, not CSV or JSON. Rename it so that its name ends in .gz',
  ],
  ['JSON', '{"id":1,"notes":"a"}\n', 'Expected CSV, got JSON'],
])('refuses %s before any record', async (_, file, message) => {
  for (const size of file.length < 1000 ? [3, 200] : [200_000]) {
    const records = read(file, { size });
    await expect(records).rejects.toThrow(BadSource);
    await expect(records).rejects.toThrow(message);
    await expect(records).rejects.not.toThrow('bob@');
  }
});

test('lists every unknown heading so that the command can be pasted', async () => {
  const unknown = ['Loyalty No. 12345', '10% off!', "Driver's", 'A\u200BB', '#', ''];
  const file = `id,${unknown.join()},notes\n`;
  const { message } = (await read(file).catch((error: unknown) => error)) as Error;
  expect(message).toContain(`Unknown headings: "Loyalty No. 12345", '10% off!', "Driver's", "A\uFFFDB", "#", "".`);
  const typed = message.match(/--ignore ("[^"]*"|'[^']*')/g)?.map((option) => option.slice('--ignore "'.length, -1));
  expect(typed).toHaveLength(unknown.length);
  expect(await read(`${file}1,a,b,c,d,e,f,g\n`, { ignoreColumns: typed as string[] })).toMatchObject([
    { value: { id: 1, notes: 'g' } },
  ]);
});

test.each<[string, string, Reading, string]>([
  ['id,Notes,Notes*', '', {}, 'got two: "Notes" and "Notes*". Delete one of them from the file.'],
  ['id,Notes,Notes*', '1,a,', {}, 'got two: "Notes" and "Notes*". Delete one of them from the file.'],
  [
    'id,E-mail,Email Address',
    '',
    {},
    'Expected one column for email, got two: "E-mail" and "Email Address". Leave one',
  ],
  [
    'id,Fax,Phone',
    '',
    { columns: { Fax: 'phone' } },
    'got two: "Fax" and "Phone". Leave one of them out with --ignore.',
  ],
  ['id,form:Size,FORM: Size', '', {}, 'Expected one column for form:Size, got two: "form:Size" and "FORM: Size".'],
  [',id,notes', '0,1,a', {}, 'Unknown headings: "". Known headings'],
  ['id,form:,notes', '', {}, 'Unknown headings: "form:".'],
])('the headings %s are refused with %j below', async (headings, row, reading, message) => {
  await expect(read(`${headings}\n${row}\n`, reading)).rejects.toThrow(message);
});

test('no suggestion takes a heading without letters for a field', async () => {
  const { message } = (await read(',id,notes\n').catch((error: unknown) => error)) as Error;
  expect(message).toMatch(/attribute:NAME\. To leave columns out: --ignore "" \(ignoreColumns\), or --ignore-unknown/);
});

test('form fields have columns of their own, by their exact names', async () => {
  const file =
    'id,form:Size,Form : favourite colours:all,Grösse,notes\n' +
    '1,L,"[""red"",""blue""]",7,a\n2,,[VIP],,b\n3,,[1],,c\n';
  const formFields = (...fields: [name: string, value: unknown][]) => fields.map(([name, value]) => ({ name, value }));
  expect(await values(file, { columns: { grösse: 'form:Grösse' } })).toEqual([
    {
      ...{ id: 1, notes: 'a' },
      form_fields: formFields(['Size', 'L'], ['favourite colours:all', ['red', 'blue']], ['Grösse', '7']),
    },
    { id: 2, notes: 'b', form_fields: formFields(['favourite colours:all', '[VIP]']) },
    { id: 3, notes: 'c', form_fields: formFields(['favourite colours:all', '[1]']) },
  ]);
});

test('a blank cell of a form field is kept or cleared like any other', async () => {
  const file = 'id,form:Size,form:size\n1,,L\n';
  expect(await values(file)).toEqual([{ id: 1, form_fields: [{ name: 'size', value: 'L' }] }]);
  const [cleared] = await values(file, { blankCells: 'clear' });
  expect(cleared).toEqual({
    id: 1,
    form_fields: [
      { name: 'Size', value: '' },
      { name: 'size', value: 'L' },
    ],
  });
  expect(checkCustomer(cleared)).toBeUndefined();
});

test('a form field has one value, in its own column or in a list of all', async () => {
  const list = (name: string) => `"[{""name"":""${name}"",""value"":""a""}]"`;
  const file = `id,form_fields,form:Size\n1,${list('Size')},b\n2,${list('Age')},b\n3,${list('Size')},\n4,oops,b\n`;
  const rows = await values(file);
  expect(rows.slice(0, 3)).toEqual([
    'form_fields: expected one value of a form field, got another one under form:Size.',
    {
      id: 2,
      form_fields: [
        { name: 'Age', value: 'a' },
        { name: 'Size', value: 'b' },
      ],
    },
    { id: 3, form_fields: [{ name: 'Size', value: 'a' }] },
  ]);
  expect(checkCustomer(rows[3])?.message).toBe(
    'form_fields: expected a JSON list of form fields, or a column form:NAME for each, got text.',
  );
});

const blankWords = ['NULL', 'N/A', ' #N/A'];

test.each([
  ['null', undefined],
  [' Null\u00A0', undefined],
  ['n/a', undefined],
  ['#N/A', undefined],
  ['NULL and void', 'NULL and void'],
  ['undefined', 'undefined'],
  ['NA', 'NA'],
])('the cell %j, with words that are blank', async (cell, notes) => {
  const file = `id,notes,company\n1,${cell},x\n`;
  expect(await values(file, { blankWords })).toEqual([{ id: 1, ...(notes !== undefined && { notes }), company: 'x' }]);
  expect(await values(file)).toEqual([{ id: 1, notes: trimmed(cell), company: 'x' }]);
});

test('words that are blank are cleared, and may stand below a blank heading', async () => {
  expect(await values('id,notes,phone,\nNULL,a,b\n1,NULL,5,n/a\n', { blankWords, blankCells: 'clear' })).toEqual([
    { id: '', notes: 'a', phone: 'b' },
    { id: 1, notes: '', phone: '5' },
  ]);
});

test.each([
  ['$5', 'NULL', [{ amount: 5 }], ['$']],
  ['5.50 EUR', '$1', [{ amount: 5.5 }], ['EUR', '$']],
  ['5', '6.00', [{ amount: 5 }], undefined],
  ['$1,5', '5', '$1,5', undefined],
])('store credit of %s and %s', async (cell, other, amount, signs) => {
  const notes: string[] = [];
  const file = `id;Store Credit;Notes\n1;${cell};$7\n2;${other};EUR 5\n`;
  expect((await values(file, { notes, blankWords }))[0]).toEqual({ id: 1, store_credit_amounts: amount, notes: '$7' });
  const said = `Amounts are taken in the store's currency, whatever sign is beside them in the file: ${signs?.join(', ')}.`;
  expect(notes).toEqual(signs ? [said] : []);
});

test.each([
  ['Store Credit', '1.234', 'store_credit_amounts: expected an amount such as 12.50, got text.'],
  ['Store Credit', 'lots', 'store_credit_amounts: expected an amount such as 12.50, got text.'],
  [
    'Store Credit',
    '#VALUE!',
    "store_credit_amounts: expected an amount such as 12.50, got a spreadsheet's error instead",
  ],
  ['Phone', '4.47912E+11', 'phone: expected text as it was entered, got a number that a spreadsheet rounded'],
  ['channel_ids', 'all', 'channel_ids: expected channel ids such as 1,2, got text.'],
  ['channel_ids', '1,0', 'channel_ids.1: expected a whole number from 1 to 2147483647, got zero.'],
  [
    'Receive Review/Abandoned Cart Emails?',
    'VRAI',
    'expected yes or no (or y/n, true/false, on/off, 1/0, 1.0/0.0), got',
  ],
  ['form:Size', '#REF!', `form_fields "Size": expected text as it was entered, got a spreadsheet's error instead`],
  ['email', 'Ann', 'email: expected an e-mail address, got text with no @.'],
])('below %s, %s is invalid', async (heading, cell, message) => {
  const [value] = await values(`id;${heading}\n1;${cell}\n`);
  expect(checkCustomer(value)?.message).toContain(message);
});

// Half of it is among the surrogates that stand for bytes that are not UTF-8.
test('an emoji is UTF-8, in a cell and in a heading', async () => {
  await expect(read('id,notes\n1,💀\n', { encoding: 'windows-1252' })).rejects.toThrow('This file is UTF-8');
  await expect(read('id,notes,💀\n1,a,b\n')).rejects.toThrow('Unknown headings: "💀"');
});

test('says that a file is UTF-8 if another encoding is given', async () => {
  await expect(read('id,notes\n1,Zoë\n', { encoding: 'windows-1252' })).rejects.toThrow(
    'This file is UTF-8, not windows-1252',
  );
});

test('a group by its name stands for its id, and one that is not there costs its row', async () => {
  const file = 'id,Customer Group,notes\n1,vip,a\n2,,b\n3,No Group,c\n4,Gold,d\n5,4,e\n6,NULL,f\n';
  expect(await values(file, { groups, blankWords: ['null'] })).toEqual([
    { id: 1, customer_group_id: 3, notes: 'a' },
    { id: 2, notes: 'b' },
    { id: 3, customer_group_id: 0, notes: 'c' },
    'customer_group: the store has no such group. Its groups: "VIP", "Retail".',
    { id: 5, customer_group_id: 4, notes: 'e' },
    { id: 6, notes: 'f' },
  ]);
  const [, , , gold] = await read(file, { groups });
  expect(gold).toMatchObject({ row: 4, line: 5, value: { id: 4 }, problem: { code: 'unknown_group' } });
  const [cleared] = await values('id,Customer Group\n1,\n', { groups, blankCells: 'clear' });
  expect(checkCustomer(cleared)?.message).toBe(
    "customer_group_id: a blank group can't be cleared: write 0 for no group.",
  );
});

test('the heading of groups tells that their names are needed, whatever is below it; ids need none', async () => {
  await expect(values('id,Customer Group\n1,\n')).rejects.toThrow(NamesNeeded);
  await expect(values('id,Gruppe\n1,\n', { columns: { Gruppe: 'customer_group' } })).rejects.toThrow(NamesNeeded);
  expect(await values('id,Customer Group ID,notes\n1,3,a\n')).toEqual([{ id: 1, customer_group_id: 3, notes: 'a' }]);
  const left = { ignoreColumns: ['customer group'] };
  expect(await values('id,Customer Group,notes\n1,vip,a\n', left)).toEqual([{ id: 1, notes: 'a' }]);
  await expect(values('id,Customer Group,Customer Group ID\n1,vip,3\n', { groups })).rejects.toThrow(
    'Expected one column for customer_group_id, got two: "Customer Group" and "Customer Group ID".',
  );
});

const attributes = new Attributes([
  { id: 1, name: 'Loyalty Tier', type: 'string' },
  { id: 2, name: 'Points', type: 'number' },
  { id: 12, name: 'Expires', type: 'date' },
  { id: 40, name: '12', type: 'string' },
]);

test('columns of attributes set their values by id, whatever the case and blanks of their headings', async () => {
  const file =
    'id,Attribute : loyalty  tier,attribute:2,attribute_id:99,Bonus,notes\n' +
    '1,Gold,5,x,,a\n2,,,,,b\n3,NULL,\'-7.50,,2026-12-31,\n4,Silver,"1,234.50",y,31/12/2026,\n5,,,,2026-13-01,\n';
  const options = { attributes, blankWords: ['null'], columns: { bonus: 'attribute:Expires' } };
  expect(await values(file, options)).toEqual([
    { id: 1, attributes: { 1: 'Gold', 2: '5', 99: 'x' }, notes: 'a' },
    { id: 2, notes: 'b' },
    { id: 3, attributes: { 2: '-7.50', 12: '2026-12-31' } },
    'attribute "Points": expected a number such as 1234.5, got one with separators or signs: format the column as a plain number.',
    'attribute "Expires": expected a date such as 2026-12-31, got a day or a time that there is not.',
  ]);
  const [cleared] = await values('id,attribute:Points,attribute_id:9\n1,,\n', { attributes, blankCells: 'clear' });
  expect(cleared).toEqual({ id: 1, attributes: { 2: '', 9: '' } });
  expect(checkCustomer(cleared)).toBeUndefined();
});

test('a column of attributes as JSON sets some, and removes those that are null', async () => {
  const file = `id,attributes,attribute:Points\n1,"{""12"":null,""loyalty tier"":""""}",\n2,oops,5\n3,"{""Points"":6}",5\n4,{},1\n`;
  const store = new Attributes([
    { id: 1, name: 'Loyalty Tier', type: 'string' },
    { id: 2, name: 'Points', type: 'number' },
    { id: 12, name: 'Expires', type: 'date' },
  ]);
  const rows = await values(file, { attributes: store });
  expect(rows).toEqual([
    { id: 1, attributes: { 1: '', 12: null } },
    'attributes: expected an object such as {"Loyalty Tier":"Gold"}, got text.',
    'attribute "Points": expected one value, got another one under a name that means the same.',
    { id: 4, attributes: { 2: '1' } },
  ]);
  expect(checkCustomer(rows[0])).toBeUndefined();
});

test('headings tell which names are needed; ids need none', async () => {
  const needs = (file: string, options?: Reading) =>
    values(file, options).then(
      () => [],
      (error: unknown) => (error instanceof NamesNeeded ? error.kinds : error),
    );
  expect(await needs('id,attribute:Points\n1,\n')).toEqual(['attributes']);
  expect(await needs('id,attribute:Points,Customer Group\n1,,\n')).toEqual(['groups', 'attributes']);
  expect(await needs('id,attribute:Points,Customer Group\n1,,\n', { groups })).toEqual(['attributes']);
  expect(await needs('id,attribute_id:2\n1,5\n')).toEqual([]);
  expect(await needs('id,notes,attribute:Points\n1,a,5\n', { ignoreColumns: ['attribute:points'] })).toEqual([]);
});

test.each([
  [
    'id,attribute:Tier,attribute:12,attribute:points\n',
    'Expected headings with attributes of the store. "attribute:Tier": the store has no such attribute; "attribute:12": "12" (id 40) ' +
      'and "Expires" (id 12) fit: write attribute_id: and its id. Its attributes: "Loyalty Tier", "Points", "Expires", "12". To ' +
      'leave a column out: --ignore and its heading (ignoreColumns).',
  ],
  [
    'id,attribute:Points,attribute:2\n',
    'Expected one column for attribute "Points", got two: "attribute:Points" and "attribute:2". Leave one of them out with --ignore.',
  ],
  ['id,attribute:Points,attribute_id:2\n', 'got two: "attribute:Points" and "attribute_id:2"'],
  ['id,attribute:Points,Attribute: Points\n', 'got two: "attribute:Points" and "Attribute: Points"'],
  ['id,attribute_id:Points\n', 'Unknown headings: "attribute_id:Points".'],
])('%j is refused before anything is sent', async (file, message) => {
  await expect(values(file, { attributes })).rejects.toThrow(message);
  await expect(values(file, { attributes })).rejects.toThrow(BadSource);
});

test('what an option says a column is stands beside its heading, if the store has no such attribute', async () => {
  const options = { attributes, columns: { Tier: 'attribute:Teir', Bonus: 'attribute:Points' } };
  await expect(values('id,Tier,Bonus\n1,a,5\n', options)).rejects.toThrow(
    'of the store. "Tier" (attribute:Teir): the store has no such attribute. Its',
  );
});

test('leaves out unknown columns, and takes columns by a name that is given', async () => {
  const file = 'Kundennummer,Bemerkung,Umsatz\n1,a,5\n';
  const columns = { Kundennummer: 'id', bemerkung: 'notes' };
  expect(await values(file, { columns, ignoreUnknown: true })).toEqual([{ id: 1, notes: 'a' }]);
  await expect(read(file, { columns })).rejects.toThrow('Unknown headings: "Umsatz"');
  await expect(read(file, { columns: { Umsatz: 'sales' } })).rejects.toThrow(
    '--column "Umsatz=sales" (columns): there is no',
  );
});

test('leaves out columns by name, known ones too', async () => {
  expect(await values('id,notes,E-Mail,Date Joined\n1,a,b,c\n', { ignoreColumns: ['e-mail', 'DATE_JOINED'] })).toEqual([
    { id: 1, notes: 'a' },
  ]);
  await expect(read('id,notes\n', { ignoreColumns: ['id'] })).rejects.toThrow('heading "id"');
});
