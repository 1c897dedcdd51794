import { damageIn, damageTo } from '../../src/jobs/damage.ts';

const ERROR = "a spreadsheet's error instead of a value";
const ROUNDED = 'a number that a spreadsheet rounded: format the column as text and enter it again';
const CONTROL = 'a control character';
const DIRECTION = 'an invisible character that changes the direction of text';

test.each([
  ['#REF!', ERROR],
  ['#N/A', ERROR],
  ['#n/a', ERROR],
  ['#NAME?', ERROR],
  ['#VALUE!', ERROR],
  ['#DIV/0!', ERROR],
  ['#SPILL!', ERROR],
  ['#GETTING_DATA', ERROR],
  ['#ERROR!', ERROR],
  ['#####', ERROR],
  ['Err:502', ERROR],
  ['#BEZUG!', ERROR],
  ['#NV', ERROR],
  ['#ÜBERLAUF!', ERROR],
  ['#NOM?', ERROR],
  ['#¡REF!', ERROR],
  ['#¿NOMBRE?', ERROR],
  ['#RIF!', ERROR],
  ['#WAARDE!', ERROR],
  ['4.47912E+11', ROUNDED],
  ['4,47912E+11', ROUNDED],
  ['4.47912e+11', ROUNDED],
  ['+4E+11', ROUNDED],
  ['1E-05', ROUNDED],
  ['1e+300', ROUNDED],
  ['Zo\uFFFD', expect.stringContaining('one that was lost when the file was written')],
  ['Zo\uDCEB', expect.stringContaining('--encoding windows-1252')],
  ['Zo\uD83D', 'half a character: the text was cut'],
  ['a\u0000b', CONTROL],
  ['a\u0008', CONTROL],
  ['\u001B[2J', CONTROL],
  ['a\u0085b', CONTROL],
  ['a\u009Db', CONTROL],
  ['a\u202Eb', DIRECTION],
  ['\u2066a\u2069', DIRECTION],
])('%j has lost something', (text, damage) => {
  expect(damageTo(text)).toEqual(damage);
});

test.each([
  '',
  'Zoë',
  'first line\nsecond line\r\n\tindented',
  '#1 customer',
  '#',
  '##',
  '#REF! in B4',
  'see #N/A',
  '# NAME?',
  'Error: 502',
  '+44 7912 345678',
  '447912345678',
  '1E5',
  '4.47912E11',
  '12E+3456',
  'E+11',
  '5e+10 people',
  '👩‍👧',
  'a\u200Fb',
  'שלום',
])('%j is as it was entered', (text) => {
  expect(damageTo(text)).toBeUndefined();
});

test('says where it is', () => {
  const row = { id: 1, notes: 'fine', form_fields: [{ name: 'Size', value: ['L', '#REF!'] }] };
  expect(damageIn(row)).toEqual({ path: 'form_fields.0.value.1', damage: ERROR });
  expect(damageIn({ id: 1, notes: 'fine', channel_ids: [1], phone: null })).toBeUndefined();
});
