/**
 * Files as people have them, each read from its bytes to the customers that would be sent: what becomes of every row, and what a
 * person is told. At least three for each kind of trouble; docs/files.md has the rules.
 */
import { gzipSync } from 'node:zlib';
import { jobOptionsSchema } from '../../src/contract/schema.ts';
import type { JobOptions } from '../../src/contract/job.ts';
import { BadSource } from '../../src/jobs/sources/record.ts';
import { Groups } from '../../src/jobs/groups.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import { openSource } from '../../src/jobs/sources/source.ts';
import type { FileStorage } from '../../src/storage/file.ts';
import { newStorage } from './support.ts';

const GROUPS = new Groups(['Wholesale', 'Retail', 'VIP'].map((name, index) => ({ id: index + 1, name })));

/** `row (line) id code: message` of a row that is not sent. */
type Failure = string | RegExp;

interface File {
  /** Its extension says the format. */
  name: string;
  content: string | Buffer;
  options?: JobOptions;
  /** The customers that are sent. */
  sent?: unknown[];
  failures?: Failure[];
  notes?: (string | RegExp)[];
  /** The message of the BadSource that ends the job. */
  stops?: RegExp;
}

let storage: FileStorage;
beforeAll(async () => (storage = await newStorage()));

let jobs = 0;

async function outcomeOf({ name, content, options }: File) {
  const key = `sources/${++jobs}/${name}`;
  await storage.write(key, [Buffer.from(content)]);
  const notes: string[] = [];
  const reading = {
    ...jobOptionsSchema.parse(options ?? {}),
    groups: GROUPS,
    note: (note: string) => notes.push(note),
  };
  const keys = jobKeys({ storeHash: 'abc', key: `job-${jobs}` });
  const records = openSource({ uri: storage.uri(key) }, [storage], reading);
  const { chunks, failures, total, valid, invalid } = await prepare({
    ...{ storage, keys, records, limit: null },
    match: reading.match,
  });
  expect(valid + invalid).toBe(total);
  const pages = new PageReader(storage);
  const sent: unknown[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    sent.push(...(JSON.parse((await pages.readChunk(keys, chunk)).body) as unknown[]));
  }
  const failed = failures.map(({ row, line, id, code, message }) => `${row} (${line}) ${id} ${code}: ${message}`);
  return { sent, failures: failed, notes };
}

const matching = (texts: (string | RegExp)[] = []) =>
  texts.map((text) => (typeof text === 'string' ? text : (expect.stringMatching(text) as string)));

const addressOf = (length: number) => `a@${'b'.repeat(length - 10)}.example`;

const MANY = Array.from({ length: 4_000 }, (_, index) => index + 2);
const LONG_QUESTION = 'I would like to hear of offers and I have read how my data are used '.repeat(2).trim();
const MANY_HEADINGS = Array.from({ length: 50 }, (_, index) => `A question of our shop, number ${index + 1}`).map(
  (heading) => heading.replace(',', ''),
);

/** By what is the matter with them. */
const FILES: Record<string, File[]> = {
  'no record is swallowed, and no line of a cell is sent': [
    {
      name: 'a nickname in quotes.csv',
      content: 'id,notes\n1,a\n2,"Bob" prefers mail\n3,c\n',
      sent: [
        { id: 1, notes: 'a' },
        { id: 3, notes: 'c' },
      ],
      failures: ['2 (3) 2 invalid_field: Line 3 opens a quote that is not closed as it should be.'],
    },
    {
      name: 'a nickname in quotes, and thousands of rows after it.csv',
      content: `id,notes\n1,"Bob" prefers mail\n${MANY.map((id) => `${id},a\n`).join('')}`,
      sent: MANY.map((id) => ({ id, notes: 'a' })),
      failures: ['1 (2) 1 invalid_field: Line 2 opens a quote that is not closed as it should be.'],
    },
    {
      name: 'an inch sign where every cell is quoted.csv',
      content: '"id","notes","company"\n"1","a","b"\n"2","5" pipe","b"\n"3","c","d"\n',
      sent: [
        { id: 1, notes: 'a', company: 'b' },
        { id: 3, notes: 'c', company: 'd' },
      ],
      failures: [/^2 \(3\) 2 invalid_field: Line 3 has a stray quote/],
    },
    {
      name: 'an inch sign in a dump with tabs.tsv',
      content: 'id\tnotes\n1\t5" pipe\n2\t"whole"\n3\t"7""\n4\td\n',
      sent: [
        { id: 2, notes: 'whole' },
        { id: 4, notes: 'd' },
      ],
      failures: [/^1 \(2\) 1 invalid_field: Line 2 has a stray quote/, /^3 \(4\) 3 invalid_field: Line 4/],
    },
    {
      name: 'an address over several lines in a narrow file.csv',
      content: 'id,notes\n261,"Lives at\n12,Main Street\nLeeds"\n7,ok\n',
      sent: [{ id: 7, notes: 'ok' }],
      failures: [
        /^1 \(2\) 261 invalid_field: Line 2 has a quoted cell that runs from line 2 to line 4, and a line in it looks like/,
      ],
      notes: [/^Rows that take up several lines, because a quoted cell does: 1\.$/],
    },
    {
      name: 'the same, trusted.csv',
      content: 'id,notes\n261,"Lives at\n12,Main Street\nLeeds"\n7,ok\n',
      options: { trustQuotes: true },
      sent: [
        { id: 261, notes: 'Lives at\n12,Main Street\nLeeds' },
        { id: 7, notes: 'ok' },
      ],
      notes: [/^Rows that take up several lines, because a quoted cell does: 1\.$/],
    },
    {
      name: 'a quote that never closes.csv',
      content: 'id,notes,company\n1,"open,x\n2,b,y\n3,c,z\n',
      sent: [
        { id: 2, notes: 'b', company: 'y' },
        { id: 3, notes: 'c', company: 'z' },
      ],
      failures: [/^1 \(2\) 1 invalid_field: Line 2 /],
    },
  ],

  'the row is found again': [
    {
      name: 'titles and notes above it.csv',
      content: 'Customers of the shop\n\nid,notes,phone\n1,"two\nlines",1\n2,b,4.47E+11\n',
      sent: [{ id: 1, notes: 'two\nlines', phone: '1' }],
      failures: [/^2 \(6\) 2 invalid_field: phone: .* rounded/],
      notes: ['Left out above the headings: line 1.', /^Rows that take up several lines/],
    },
    {
      name: 'too few cells, at the end of the file.csv',
      content: 'id,notes,phone\n1,a,1\n221,b',
      sent: [{ id: 1, notes: 'a', phone: '1' }],
      failures: [/^2 \(3\) 221 invalid_field: Line 3 .* the file seems to be cut off/],
    },
    {
      name: 'another encoding in one row.csv',
      content: Buffer.from('id,notes\n221,M\xFCller\n222,b\n', 'latin1'),
      sent: [{ id: 222, notes: 'b' }],
      failures: [/^1 \(2\) 221 invalid_field: notes: .* not UTF-8: .*--encoding windows-1252/],
    },
    {
      name: 'blank lines between objects.ndjson',
      content: '{"id":"221","email":"a"}\n\n\n{"id":222,"notes":"b"}\n',
      sent: [{ id: 222, notes: 'b' }],
      failures: [/^1 \(1\) 221 invalid_field: email: expected an e-mail address, got text with no @/],
    },
  ],

  "the control panel's exports": [
    {
      name: 'default template.csv',
      content:
        '\uFEFFCustomer ID,First Name,Last Name,Company,Email,Phone,Notes,Store Credit,Customer Group,Date Joined,Addresses,' +
        'Receive Review/Abandoned Cart Emails?,Tax Exempt Category\r\n' +
        '5,Zoë,Müller,,zoe@shop.example,,"one,\r\ntwo","$1,234.50",vip,01/02/2025,"1, Road",Y,\r\n' +
        '6,Bob,,,,,,0.00,No group,01/02/2025,,N,\r\n',
      sent: [
        {
          ...{ id: 5, first_name: 'Zoë', last_name: 'Müller', email: 'zoe@shop.example', notes: 'one,\r\ntwo' },
          ...{ store_credit_amounts: [{ amount: 1234.5 }], customer_group_id: 3 },
          accepts_product_review_abandoned_cart_emails: true,
        },
        {
          ...{ id: 6, first_name: 'Bob', store_credit_amounts: [{ amount: 0 }], customer_group_id: 0 },
          accepts_product_review_abandoned_cart_emails: false,
        },
      ],
      notes: [/^Left out, .*: "Date Joined", "Addresses"\.$/, /^Rows that take up/, /^Amounts .*: \$\.$/],
    },
    {
      name: 'bulk edit template.csv',
      content:
        'Email Address,First Name,Last Name,Company,Phone,Notes,Store Credit,Customer Group,Address ID - 1,Address First Name - 1,' +
        'Address Line 1 - 1,Address Zip - 1,Receive Review/Abandoned Cart Emails?,Tax Exempt Category,Customer ID\n' +
        'a@b.example,Ann,Lee,Acme,020,n,12.5,Retail,9,Ann,"1, Road",LS1,yes,Reseller,7\n' +
        'b@b.example,Bob,Lee,,,,,,,,,,no,,8\n',
      sent: [
        {
          ...{
            id: 7,
            email: 'a@b.example',
            first_name: 'Ann',
            last_name: 'Lee',
            company: 'Acme',
            phone: '020',
            notes: 'n',
          },
          ...{ store_credit_amounts: [{ amount: 12.5 }], customer_group_id: 2, tax_exempt_category: 'Reseller' },
          accepts_product_review_abandoned_cart_emails: true,
        },
        {
          ...{ id: 8, email: 'b@b.example', first_name: 'Bob', last_name: 'Lee' },
          accepts_product_review_abandoned_cart_emails: false,
        },
      ],
      notes: [/^Left out, .*"Address ID - 1", .*"Address Zip - 1"\.$/],
    },
    {
      name: 'groups that are not there.csv',
      content: 'Customer ID,Customer Group,form:Licence\n1,Resellers,A\n2,,B\n3,3,\n',
      sent: [
        { id: 2, form_fields: [{ name: 'Licence', value: 'B' }] },
        { id: 3, customer_group_id: 3 },
      ],
      failures: [
        '1 (2) 1 unknown_group: customer_group: the store has no such group. Its groups: "Wholesale", "Retail", "VIP".',
      ],
    },
    {
      name: 'amounts that may mean two things.csv',
      content: 'Customer ID,Store Credit,channel_ids\n1,1.234,1\n2,"12,50",\n3,"€1.234,50","1,2"\n4,1e3,\n',
      sent: [{ id: 3, store_credit_amounts: [{ amount: 1234.5 }], channel_ids: [1, 2] }],
      failures: [1, 2, 4].map((id) => new RegExp(`^${id} .* expected an amount such as 12\\.50, got text\\.$`)),
      notes: [/: €\.$/],
    },
  ],

  'cells and rows as spreadsheets write them': [
    {
      name: 'from Excel in Germany.csv',
      content: Buffer.from(
        'sep=;\r\nCustomer #;E-Mail;First Name*;;\r\n1;\xA0a@b.example\xA0;J\xF6rg;;\r\n2;;Zo\xEB\r\n;;;;\r\n',
        'latin1',
      ),
      options: { encoding: 'windows-1252' },
      sent: [
        { id: 1, email: 'a@b.example', first_name: 'Jörg' },
        { id: 2, first_name: 'Zoë' },
      ],
    },
    {
      name: 'from an old Mac.txt',
      content: 'id\tnotes\tphone\r1\ta\t="0173"\r2\tb\t\'+44 20\r',
      sent: [
        { id: 1, notes: 'a', phone: '0173' },
        { id: 2, notes: 'b', phone: '+44 20' },
      ],
    },
    {
      name: 'Unicode text.txt',
      content: Buffer.from('\uFEFFid\tnotes\r\n1\tZoë 😀\r\n', 'utf16le'),
      sent: [{ id: 1, notes: 'Zoë 😀' }],
    },
    {
      name: 'with pipes, compressed.csv.gz',
      content: gzipSync('id|notes\r\n1|\u200B a \u00A0\r\n2|b|\r\n3|c|x\r\n'),
      sent: [
        { id: 1, notes: 'a' },
        { id: 2, notes: 'b' },
      ],
      failures: [/^3 \(4\) 3 invalid_field: Expected at most 2 cells, as many as headings, got 3\.$/],
    },
    {
      name: 'an invisible character within an address.csv',
      content: 'id,email\n1,an\u200Bn@b.example\n2,\uFEFFbob@b.example\u00A0\n',
      sent: [{ id: 2, email: 'bob@b.example' }],
      failures: [
        /^1 \(2\) 1 invalid_field: email: expected an e-mail address, got one with an invisible character in it\.$/,
      ],
    },
  ],

  'loss is not written over good values': [
    {
      name: 'formulas that failed.csv',
      content: 'id,notes\n1,#REF!\n2,#N/A\n3,#NAME?\n4,#1 fan\n5,#WERT!\n',
      sent: [{ id: 4, notes: '#1 fan' }],
      failures: [1, 2, 3, 5].map(
        (id) => new RegExp(`^${id} .* notes: expected text as it was entered, got a spreadsheet's error`),
      ),
    },
    {
      name: 'phones as numbers.csv',
      content: 'id,phone\n1,4.47912E+11\n2,"4,47912E+11"\n3,447912000000\n',
      sent: [{ id: 3, phone: '447912000000' }],
      failures: [/^1 .* a number that a spreadsheet rounded/, /^2 .* a number that a spreadsheet rounded/],
    },
    {
      name: 'characters that were lost or turn text around.ndjson',
      content:
        '{"id":1,"notes":"M\uFFFDller"}\n{"id":2,"notes":"a\\u0000b"}\n{"id":3,"notes":"\u202Eabc"}\n{"id":4,"notes":"\\ud800"}\n',
      failures: [
        /^1 .* the character \uFFFD/,
        /^2 .* a control character/,
        /^3 .* changes the direction/,
        /^4 .* half a character/,
      ],
    },
    {
      name: 'words for nothing.csv',
      content: 'id,notes,phone\n1,NULL,n/a\n2,null,1\n3,a,undefined\n',
      options: { blankWords: ['NULL', 'N/A', 'undefined'] },
      sent: [
        { id: 2, phone: '1' },
        { id: 3, notes: 'a' },
      ],
      failures: [/^1 \(2\) 1 invalid_field: Expected at least one value to update besides the id/],
    },
  ],

  'JSON as programs write it': [
    {
      name: 'lines that break off.ndjson',
      content:
        '{"id":5,"notes":"a"}\n{"id": "6","notes":"b\n{"Customer ID":7,"notes":c}\n{"notes":"b","id":8\n{"id":95',
      sent: [{ id: 5, notes: 'a' }],
      failures: [
        '2 (2) 6 invalid_field: Expected one JSON object on line 2, got text that is not JSON.',
        '3 (3) 7 invalid_field: Expected one JSON object on line 3, got text that is not JSON.',
        '4 (4) null invalid_field: Expected one JSON object on line 4, got text that is not JSON.',
        '5 (5) null invalid_field: Expected one JSON object on line 5, got text that is not JSON.',
      ],
    },
    {
      name: 'an answer of the API.json',
      content: JSON.stringify({
        data: [
          {
            ...{
              id: 5,
              first_name: 'Ann',
              date_created: '2025-01-01T00:00:00Z',
              origin_channel_id: 1,
              customer_group_id: 0,
            },
            form_fields: [{ name: 'Licence', value: 'A', customer_id: 5 }],
          },
        ],
        meta: { pagination: { current_page: 1, total_pages: 4 } },
      }),
      sent: [{ id: 5, first_name: 'Ann', customer_group_id: 0, form_fields: [{ name: 'Licence', value: 'A' }] }],
      notes: [
        'The file is page 1 of 4 of an answer.',
        /^Left out of 1 row, .*: "date_created", "origin_channel_id"\.$/,
      ],
    },
    {
      name: 'an object a line.json',
      content: '{"id":"5","notes":7,"phone":null}\n{"ID":6,"firstName":"Bob","customer_group":"vip"}\n',
      sent: [
        { id: 5, notes: '7' },
        { id: 6, first_name: 'Bob', customer_group_id: 3 },
      ],
    },
    {
      name: 'a pretty-printed list.ndjson',
      content: JSON.stringify(
        [
          { id: 5, notes: 'a' },
          { id: 6, notes: 'b' },
        ],
        null,
        2,
      ),
      sent: [
        { id: 5, notes: 'a' },
        { id: 6, notes: 'b' },
      ],
    },
    {
      name: 'form fields by name, and keys to leave out.ndjson',
      content: '{"id":5,"form:Licence":"A","tier":"gold"}\n{"id":6,"form:Likes":["a","b"]}\n',
      options: { ignoreColumns: ['tier'] },
      sent: [
        { id: 5, form_fields: [{ name: 'Licence', value: 'A' }] },
        { id: 6, form_fields: [{ name: 'Likes', value: ['a', 'b'] }] },
      ],
    },
    {
      name: 'a list that breaks off.json',
      content: '[{"id":5,"notes":"a"},{"id":6',
      stops: /after 1 objects, expected the rest/,
    },
    {
      name: 'an object a line, then a list.ndjson',
      content: '{"id":5,"notes":"a"}\n[\n{"id":6}\n]\n',
      stops: /^Line 2 is part of/,
    },
  ],

  'a file of another kind says what it is': [
    {
      name: 'workbook.csv',
      content: Buffer.from('PK\u0003\u0004\u0014\u0000[Content_Types].xml xl/workbook.xml', 'latin1'),
      stops: /workbook/i,
    },
    { name: 'old workbook.csv', content: Buffer.from('d0cf11e0a1b11ae1', 'hex'), stops: /workbook/i },
    { name: 'web page.csv', content: '<!DOCTYPE html><html><body>Log in</body></html>', stops: /web page/i },
    { name: 'report.csv', content: '%PDF-1.7\n', stops: /PDF/ },
    { name: 'compressed.csv', content: gzipSync('id,notes\n1,a\n'), stops: /gz/ },
    { name: 'json.csv', content: '[{"id":1}]', stops: /^Expected CSV, got JSON\. Say so with --format json/ },
  ],

  'headings that are not known': [
    {
      name: 'two of them.csv',
      content: 'Customer ID,Telephone,Loyalty Tier,Notes\n1,020,Gold,a\n',
      stops:
        /^Unknown headings: "Telephone", "Loyalty Tier"\. .*--column "Telephone=company" .*--ignore "Telephone" --ignore "Loyalty Tier"/,
    },
    {
      name: 'one given a field, one left out.csv',
      content: 'Customer ID,Telephone,Loyalty Tier\n1,020,Gold\n',
      options: { columns: { Telephone: 'phone' }, ignoreColumns: ['loyalty tier'] },
      sent: [{ id: 1, phone: '020' }],
    },
    {
      name: 'all left out.csv',
      content: 'Customer ID,Notes,Telephone,Loyalty Tier,\n1,a,020,Gold,\n',
      options: { ignoreUnknown: true },
      sent: [{ id: 1, notes: 'a' }],
    },
    {
      name: 'in another language.csv',
      content: 'Kunden-ID;Vorname;Straße (privat)\n1;Ann;Am Tor 1\n',
      stops:
        /^Unknown headings: "Kunden-ID", "Vorname", "Straße \(privat\)"\. .*--column "Kunden-ID=id" .*--ignore "Kunden-ID" --ignore "Vorname"/,
    },
    {
      name: 'one cell, with blanks between.csv',
      content: 'Dear Ann Lee\n1 a\n',
      stops: /^Expected headings in the first line, but none of its cells is a known one\. Known headings/,
    },
    {
      name: 'none of them, but text.csv',
      content: "INSERT INTO customers (id, notes) VALUES (1, 'Ann Lee');\n",
      stops: /^Expected headings in the first line, but none of its cells is a known one\. Known headings/,
    },
    {
      name: 'the question of a form.csv',
      content: `Customer ID,Notes,${LONG_QUESTION}\n1,a,b\n`,
      stops: /^Unknown headings: "I would like .{80,}…"\. .* To leave columns out: --ignore-unknown for all of them/,
    },
    {
      name: 'as many as a shop has.csv',
      content: `id,notes,${MANY_HEADINGS.join(',')}\n`,
      stops: new RegExp(MANY_HEADINGS.map((heading) => `--ignore "${heading}"`).join(' ')),
    },
    {
      name: 'with signs of the shell.csv',
      content: 'id,notes,Price ($),"Say ""hi"""\n1,a,5,b\n',
      stops: /--ignore 'Price \(\$\)' --ignore 'Say "hi"'/,
    },
    {
      name: 'no headings.csv',
      content: '511,ann@b.example\n512,bob@b.example\n',
      stops: /^Expected headings in the first line/,
    },
  ],

  "messages about the cell, not the API's shape": [
    {
      name: 'wrong values.csv',
      content:
        'id,email,first_name,store_credit_amounts,accepts_product_review_abandoned_cart_emails\n1,bob,a,,\n2,,,lots,\n3,,,,perhaps\n',
      failures: [
        '1 (2) 1 invalid_field: email: expected an e-mail address, got text with no @.',
        '2 (3) 2 invalid_field: store_credit_amounts: expected an amount such as 12.50, got text.',
        /^3 \(4\) 3 invalid_field: accepts_product_review_abandoned_cart_emails: expected yes or no \(or y\/n, .*\), got text\.$/,
      ],
    },
    {
      name: 'blanks that can not be cleared.csv',
      content:
        'id,email,first_name,customer_group_id,notes\n1,,a,1,b\n2,a@b.example,,1,b\n3,a@b.example,a,,b\n4,b@b.example,b,1,\n',
      options: { blankCells: 'clear' },
      sent: [{ id: 4, email: 'b@b.example', first_name: 'b', customer_group_id: 1, notes: '' }],
      failures: [
        "1 (2) 1 invalid_field: email: a blank e-mail address can't be cleared.",
        "2 (3) 2 invalid_field: first_name: a blank first name can't be cleared.",
        "3 (4) 3 invalid_field: customer_group_id: a blank group can't be cleared: write 0 for no group.",
      ],
    },
    {
      name: 'too long by one.ndjson',
      content: `{"id":1,"phone":"${'1'.repeat(51)}"}\n{"id":2,"first_name":""}\n{"id":3}\n`,
      failures: [
        '1 (1) 1 invalid_field: phone: expected text of at most 50 characters, got text of 51 characters.',
        "2 (2) 2 invalid_field: first_name: a blank first name can't be cleared.",
        '3 (3) 3 invalid_field: Expected at least one value to update besides the id, got only the id.',
      ],
    },
  ],

  'customers are found by their e-mail addresses, with the option for it': [
    {
      name: 'list without ids.csv',
      content:
        'E-mail;New E-mail Address;Notes\n Ann@b.example ;;a\nbob@b.example;Bob@c.example;b\n;;c\nann@B.example;;d\n' +
        'bob@c.example;;e\n',
      options: { match: 'email' },
      sent: [
        { email: 'Ann@b.example', notes: 'a' },
        { email: 'bob@b.example', new_email: 'Bob@c.example', notes: 'b' },
      ],
      failures: [
        '3 (4) null invalid_field: Expected an e-mail address or an id, got neither.',
        '4 (5) null duplicate: Expected one row a customer, got another one in row 1.',
        /^5 \(6\) null duplicate: email: expected an address that no other row has, got the new_email of row 2\./,
      ],
    },
    {
      name: 'default template.csv',
      content:
        'Customer ID,First Name,Last Name,Company,Email,Phone,Notes,Store Credit,Customer Group,Date Joined,Addresses,' +
        'Receive Review/Abandoned Cart Emails?,Tax Exempt Category\n' +
        '5,Zoë,,,zoe@shop.example,,a,,vip,01/02/2025,"1, Road",,\n' +
        ',Bob,,,bob@shop.example,,,,,,,N,\n6,Cy,,,,,,,,,,,\n',
      options: { match: 'email' },
      sent: [
        { id: 5, first_name: 'Zoë', email: 'zoe@shop.example', notes: 'a', customer_group_id: 3 },
        { first_name: 'Bob', email: 'bob@shop.example', accepts_product_review_abandoned_cart_emails: false },
        { id: 6, first_name: 'Cy' },
      ],
      notes: [/^Left out, /],
    },
    {
      name: 'bulk edit template.csv',
      content:
        'Email Address,First Name,Last Name,Company,Phone,Notes,Store Credit,Customer Group,Address ID - 1,Customer ID\n' +
        'a@b.example,Ann,,,020,,,,9,7\n',
      options: { match: 'email' },
      sent: [{ id: 7, email: 'a@b.example', first_name: 'Ann', phone: '020' }],
      notes: [/^Left out, /],
    },
    {
      name: 'blank keys, with blanks that clear.csv',
      content: 'id,email,notes\n,a@x.example,\n7,,b\n',
      options: { match: 'email', blankCells: 'clear' },
      sent: [
        { email: 'a@x.example', notes: '' },
        { id: 7, notes: 'b' },
      ],
    },
    {
      name: 'objects.ndjson',
      content:
        '{"Email":"a@x.example","New Email":"b@x.example"}\n{"id":null,"email":"c@x.example","notes":"n"}\n' +
        '{"email":7,"notes":"n"}\n',
      options: { match: 'email' },
      sent: [
        { email: 'a@x.example', new_email: 'b@x.example' },
        { email: 'c@x.example', notes: 'n' },
      ],
      failures: [/^3 \(3\) null invalid_field: email: expected an e-mail address, got /],
    },
    {
      name: 'a quote that never closes.csv',
      content: 'email,notes\na@x.example,"open\nb@x.example,b\n',
      options: { match: 'email' },
      sent: [{ email: 'b@x.example', notes: 'b' }],
      failures: [/^1 \(2\) null invalid_field: Line 2 /],
    },
    {
      name: 'no option.csv',
      content: 'Email,Notes\na@x.example,a\n',
      stops:
        /heading "id" or "Customer ID", got none\. To find .* addresses, start the job with --match email \(match\)\.$/,
    },
    {
      name: 'new address without the option.csv',
      content: 'id,New Email\n1,a@x.example\n',
      stops:
        /^The column "New Email" is for rows whose customers are found by e-mail address: .*--match email \(match\)/,
    },
    {
      name: 'addresses alone.csv',
      content: 'Email,Customer ID\na@x.example,1\n',
      options: { match: 'email' },
      stops:
        /^Expected a column to update besides the e-mail address and the id, got none\. Known headings: .*new_email/,
    },
    {
      name: 'neither.csv',
      content: 'Name,Notes,Phone\nAnn,a,1\n',
      options: { match: 'email', ignoreUnknown: true },
      stops: /^Expected a column with the heading "email", "id" or "Customer ID", got none/,
    },
  ],

  'an e-mail address of up to 255 characters goes to the store': [
    {
      name: 'long addresses.csv',
      content: `id,email\n1,${addressOf(251)}\n2,${addressOf(255)}\n3,${addressOf(256)}\n`,
      sent: [
        { id: 1, email: addressOf(251) },
        { id: 2, email: addressOf(255) },
      ],
      failures: [
        '3 (4) 3 invalid_field: email: expected an e-mail address of at most 255 characters, got text of 256 characters.',
      ],
    },
    {
      name: 'long addresses.json',
      content: JSON.stringify([255, 256].map((length) => ({ id: length, email: addressOf(length) }))),
      sent: [{ id: 255, email: addressOf(255) }],
      failures: [/^2 \(1\) 256 invalid_field: email: expected an e-mail address of at most 255 characters/],
    },
    {
      name: 'short and odd addresses.ndjson',
      content:
        '{"id":1,"email":"a@b"}\n{"id":2,"email":"ünï@bücher.example"}\n{"id":3,"email":"o\'neil+shop@b.example"}\n',
      sent: [
        { id: 1, email: 'a@b' },
        { id: 2, email: 'ünï@bücher.example' },
        { id: 3, email: "o'neil+shop@b.example" },
      ],
    },
  ],
};

describe.each(Object.entries(FILES))('%s', (_, files) => {
  test.each(files.map((file): [string, File] => [file.name, file]))('%s', async (__, file) => {
    if (file.stops) {
      const error: unknown = await outcomeOf(file).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(BadSource);
      expect((error as Error).message).toMatch(file.stops);
      return;
    }
    const { sent = [], failures, notes } = file;
    expect(await outcomeOf(file)).toEqual({ sent, failures: matching(failures), notes: matching(notes) });
  });
});
