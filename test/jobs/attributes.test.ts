import fc from 'fast-check';
import {
  type Attribute,
  attributeKey,
  Attributes,
  type AttributeTarget,
  attributeTarget,
  type AttributeType,
  asSource,
  sameAttribute,
  setAttribute,
} from '../../src/jobs/attributes.ts';
import type { Values } from '../../src/jobs/fields.ts';
import { fitting } from '../../src/jobs/prepare.ts';

const attributes = (...entries: [id: number, name: string, type?: AttributeType][]) =>
  new Attributes(entries.map(([id, name, type = 'string']) => ({ id, name, type })));

const SHOP = attributes(
  [1, 'Loyalty Tier'],
  [2, 'Points', 'number'],
  [3, 'Expires', 'date'],
  [12, '40'],
  [40, 'Size'],
  [5, 'size'],
);

test.each<[heading: string, key: string | undefined]>([
  ['attribute:Loyalty Tier', 'attribute:Loyalty Tier'],
  ['  ATTRIBUTE :  Loyalty Tier ', 'attribute:Loyalty Tier'],
  ['Attribute:a:b', 'attribute:a:b'],
  ['attribute:12', 'attribute:12'],
  ['attribute_id:12', 'attribute_id:12'],
  ['Attribute ID: 12', 'attribute_id:12'],
  ['attributeid:12', 'attribute_id:12'],
  ['attribute_id:Tier', undefined],
  ['attribute_id:0', undefined],
  ['attribute:', undefined],
  ['attribute: ', undefined],
  ['attributes', undefined],
  ['my attribute:Tier', undefined],
])('the heading %j names %j', (heading, key) => {
  expect(attributeKey(heading)).toBe(key);
});

test.each<[name: string, found: string]>([
  ['Loyalty Tier', '1'],
  ['loyalty  TIER', '1'],
  ['2', '2'],
  ['Size', '40'],
  ['size', '5'],
  ['SIZE', '"Size" (id 40) and "size" (id 5) fit: write attribute_id: and its id'],
  ['40', '"40" (id 12) and "Size" (id 40) fit: write attribute_id: and its id'],
  ['Tier', 'the store has no such attribute'],
  ['99', 'the store has no such attribute'],
  ['02', 'the store has no such attribute'],
])('the name %j is %s', (name, found) => {
  const target = attributeTarget(`attribute:${name}`, SHOP);
  expect(typeof target === 'string' ? target : target.id).toBe(found);
});

test('an id is no name, and needs no store that was asked', () => {
  expect(attributeTarget('attribute_id:40', SHOP)).toMatchObject({ id: '40', type: undefined });
  expect(attributeTarget('attribute_id:40', undefined)).toMatchObject({ id: '40' });
});

test('an attribute is always found by its own name, unless another one has the same or has that as its id', () => {
  const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(names, (list) => {
      const all: Attribute[] = list.map((name, index) => ({ id: index + 1, name, type: 'string' }));
      const store = new Attributes(all);
      for (const { id, name } of all) {
        const found = store.find(name);
        const isTwice = all.filter((other) => other.name === name).length > 1;
        const isId = /^[0-9]$/.test(name) && name !== String(id);
        if (typeof found === 'string') expect(isTwice || isId).toBe(true);
        else expect(found.id).toBe(id);
      }
    }),
  );
});

const target = (type: AttributeType | undefined): AttributeTarget => ({ id: '7', type, place: 'attribute "A"' });

/** What a row has of a value, or why it has none. */
function taken(type: AttributeType | undefined, value: unknown): unknown {
  const row: Values = {};
  const problem = setAttribute(row, target(type), value);
  return problem ? problem.message : (row['attributes'] as Values)['7'];
}

test.each<[AttributeType | undefined, value: unknown, text: string | null]>([
  ['string', 'Gold', 'Gold'],
  ['string', '', ''],
  ['string', null, null],
  ['string', 5, '5'],
  ['string', 9_007_199_254_740_991, '9007199254740991'],
  ['string', '😀'.repeat(255), '😀'.repeat(255)],
  ['string', '31/12/2026', '31/12/2026'],
  ['number', 5, '5'],
  ['number', -12.5, '-12.5'],
  ['number', '007', '007'],
  ['number', '1234.50', '1234.50'],
  ['number', '', ''],
  ['number', ' 7\u00A0', '7'],
  ['date', ' 2026-12-31 ', '2026-12-31'],
  ['string', ' 7 ', ' 7 '],
  [undefined, ' 7 ', ' 7 '],
  ['date', '2026-12-31', '2026-12-31'],
  ['date', '2028-02-29T23:59:59.5+01:00', '2028-02-29T23:59:59.5+01:00'],
  ['date', '2026-12-31T00:00Z', '2026-12-31T00:00Z'],
  ['date', null, null],
  [undefined, 'any text', 'any text'],
])('an attribute of the type %s takes %j as %j', (type, value, text) => {
  expect(taken(type, value)).toBe(text);
});

const LOST = 'a number that may have lost digits or zeros: write it in quotes';
const PLAIN = 'one with separators or signs: format the column as a plain number';
const FORM = 'one in another form: format the column as YYYY-MM-DD';

test.each<[AttributeType | undefined, value: unknown, message: string]>([
  ['string', 'x'.repeat(256), 'text of at most 255 characters, got text of 256 characters'],
  ['string', '😀'.repeat(256), 'text of at most 255 characters, got text of 256 characters'],
  ['string', 12.5, `text of at most 255 characters, got ${LOST}`],
  ['string', 1e21, `text of at most 255 characters, got ${LOST}`],
  ['string', true, 'text of at most 255 characters, got true or false'],
  ['string', ['Gold'], 'text of at most 255 characters, got a list of 1'],
  ['string', '#REF!', "text of at most 255 characters, got a spreadsheet's error instead of a value"],
  ['string', '\uD800', 'text of at most 255 characters, got half a character: the text was cut'],
  ['number', '1,234.50', `a number such as 1234.5, got ${PLAIN}`],
  ['number', '$5', `a number such as 1234.5, got ${PLAIN}`],
  ['number', '5 %', `a number such as 1234.5, got ${PLAIN}`],
  ['number', '.5', `a number such as 1234.5, got ${PLAIN}`],
  ['number', 'five', 'a number such as 1234.5, got text'],
  [
    'number',
    '1.2E+10',
    'a number such as 1234.5, got a number that a spreadsheet rounded: format the column as text and enter it again',
  ],
  ['number', 1e21, `a number such as 1234.5, got ${LOST}`],
  ['number', 1e-7, `a number such as 1234.5, got ${LOST}`],
  ['number', 1 / 7, `a number such as 1234.5, got ${LOST}`],
  ['number', 2 ** 53, `a number such as 1234.5, got ${LOST}`],
  ['date', '31/12/2026', `a date such as 2026-12-31, got ${FORM}`],
  ['date', '12/31/26', `a date such as 2026-12-31, got ${FORM}`],
  ['date', '31.12.2026', `a date such as 2026-12-31, got ${FORM}`],
  ['date', '2026/12/31', `a date such as 2026-12-31, got ${FORM}`],
  [
    'date',
    '46387',
    'a date such as 2026-12-31, got the number by which a spreadsheet counts days: format the column as YYYY-MM-DD',
  ],
  [
    'date',
    46_387,
    'a date such as 2026-12-31, got the number by which a spreadsheet counts days: format the column as YYYY-MM-DD',
  ],
  [
    'date',
    '2026-12-31 10:00:00',
    'a date such as 2026-12-31, got one with a blank before its time: write a T there, or leave the time out',
  ],
  ['date', 1_798_675_200, 'a date such as 2026-12-31, got a number'],
  ['date', '1798675200', 'a date such as 2026-12-31, got a number'],
  ['date', '2026-02-29', 'a date such as 2026-12-31, got a day or a time that there is not'],
  ['date', '2026-12-31T25:00', 'a date such as 2026-12-31, got a day or a time that there is not'],
  ['date', 'tomorrow', 'a date such as 2026-12-31, got text'],
])('an attribute of the type %s does not take %j', (type, value, message) => {
  expect(taken(type, value)).toBe(`attribute "A": expected ${message}.`);
});

test('two values of one attribute cost the row', () => {
  const row: Values = {};
  expect(setAttribute(row, target('string'), 'a')).toBeUndefined();
  expect(setAttribute(row, target('string'), 'a')).toEqual({
    code: 'invalid_field',
    message: 'attribute "A": expected one value, got another one under a name that means the same.',
  });
});

test.each<[AttributeType | undefined, wanted: string | null, has: string | null, same: boolean]>([
  ['string', 'Gold', 'Gold', true],
  ['string', 'Gold', 'gold', false],
  ['string', '5', '5.0', false],
  ['string', '', null, false],
  ['string', null, '', false],
  ['string', null, null, true],
  ['number', '5', '5.00', true],
  ['number', '-0.50', '-.5', false],
  ['number', '-0.50', '-00.5', true],
  ['number', '0', '-0.0', true],
  ['number', '100', '1', false],
  ['number', '9007199254740993', '9007199254740992', false],
  ['number', '', '0', false],
  ['date', '2026-12-31', '2026-12-31T00:00:00Z', true],
  ['date', '2026-12-31', '2026-12-31 00:00:00', true],
  ['date', '2026-12-31', '2026-12-31T00:00:00+02:00', true],
  ['date', '2026-12-31', '2026-12-31T00:00:01Z', false],
  ['date', '2026-12-31', '2027-01-01', false],
  ['date', '2026-12-31T12:00Z', '2026-12-31T13:00:00.000+01:00', true],
  ['date', '2026-12-31T12:00Z', '2026-12-31T13:00:00.000+0100', true],
  ['date', '2026-12-31T12:00Z', '2026-12-31T12:00:00', false],
  ['date', '2026-12-31T12:00', '2026-12-31T12:00:00.0', true],
  ['date', '2026-12-31', 'soon', false],
  ['date', '', '1970-01-01', false],
  [undefined, '5', '5.0', false],
])('of the type %s, %j and %j: %j', (type, wanted, has, same) => {
  expect(sameAttribute(wanted, has, type)).toBe(same);
  expect(sameAttribute(has, wanted, type)).toBe(same);
});

test('numbers are the same exactly if their values are', () => {
  const decimal = fc
    .record({ digits: fc.bigInt(-(10n ** 30n), 10n ** 30n), places: fc.nat(12), zeros: fc.nat(3) })
    .map(({ digits, places, zeros }) => {
      const sign = digits < 0n ? '-' : '';
      const text = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
      const [whole, part] = [text.slice(0, text.length - places), text.slice(text.length - places) + '0'.repeat(zeros)];
      return {
        text: sign + '0'.repeat(zeros) + whole + (part === '' ? '' : `.${part}`),
        value: digits * 10n ** BigInt(12 - places),
      };
    });
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      expect(taken('number', a.text)).toBe(a.text);
      expect(sameAttribute(a.text, b.text, 'number')).toBe(a.value === b.value);
    }),
  );
});

test('dates are the same if they are one instant, however it is written', () => {
  const instant = fc.date({ min: new Date('1970-01-02'), max: new Date('2100-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(
      instant,
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      fc.integer({ min: 1, max: 10 ** 9 }),
      (date, offset, ms) => {
        const sign = offset < 0 ? '-' : '+';
        const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
          String(part).padStart(2, '0'),
        );
        const local = new Date(date.getTime() + offset * 60_000).toJSON().slice(0, -1);
        const other = `${local}${sign}${hours}:${minutes}`;
        expect(taken('date', other)).toBe(other);
        expect(sameAttribute(date.toJSON(), other, 'date')).toBe(true);
        expect(sameAttribute(new Date(date.getTime() + ms).toJSON(), other, 'date')).toBe(false);
      },
    ),
  );
});

test('a row that we write has its attributes in a form that is no name', () => {
  expect(asSource({ id: 7, notes: 'x', attributes: { 12: 'Gold', 40: null } })).toEqual({
    ...{ id: 7, notes: 'x', 'attribute_id:12': 'Gold', 'attribute_id:40': null },
  });
  expect(asSource({ id: 7, notes: 'x' })).toEqual({ id: 7, notes: 'x' });
});

test('a store with many attributes fills no message', () => {
  const many = attributes(
    ...Array.from({ length: 50 }, (_, id): [number, string] => [id + 1, `Attribute ${id}`.repeat(3)]),
  );
  const message = `attributes: "none": the store has no such attribute. ${many.listed('row')}`;
  expect(message).toMatch(/ and 4\d more\.$/);
  expect(fitting(message)).toBe(message);
});
