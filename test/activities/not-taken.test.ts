import { inWords } from '../../src/activities/not-taken.ts';

const names: Record<number, string> = { 1: 'Loyalty Tier', 2: 'Points', 3: 'ask@example.com' };
const nameOf = (attribute: number) => names[attribute];
const row = { id: 1, notes: 'n', attributes: { 1: 'x' } };

test.each([
  [[1], row, 'The fields were taken, but not the attribute "Loyalty Tier": no'],
  [[2, 9], row, 'The fields were taken, but not the attributes "Points", 9: no'],
  [[2], { id: 1, attributes: {} }, 'The store did not take the attribute "Points": no'],
  [[3], row, 'The fields were taken, but not the attribute "***": no'],
])('attributes %j are named, and whether the fields were taken is said', (attributes, sent, message) => {
  expect(inWords(attributes, 'no', sent, nameOf)).toEqual({ message, attributes });
});

test('ids stand for names that are not known', () => {
  expect(inWords([1], 'no', row, () => undefined).message).toBe('The fields were taken, but not the attribute 1: no');
});

test('more ids than fit are left out, and a long message is cut', () => {
  const many = Array.from({ length: 50 }, (_, n) => n + 1_000_000);
  const { message, attributes } = inWords(many, 'no', row, () => 'x'.repeat(100));
  expect(attributes).toBeUndefined();
  expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(210);
});
