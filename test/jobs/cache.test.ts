import { Recent } from '../../src/jobs/cache.ts';

let loads: string[];

beforeEach(() => {
  loads = [];
});

/** Gets items from the front to the back; each is its key. */
async function get(recent: Recent<string>, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    const load = async () => {
      loads.push(key);
      return key;
    };
    expect(await recent.get(key, load)).toBe(key);
  }
}

test('keeps the items used last', async () => {
  const recent = new Recent<string>(2);
  await get(recent, 'a', 'b', 'a', 'c', 'a', 'b');
  expect(loads).toEqual(['a', 'b', 'c', 'b']);
});

test('keeps as many as are no larger than that together, and the latest of any size', async () => {
  const recent = new Recent<string>(5, ({ length }) => length);
  await get(recent, 'a', 'bbb', 'a', 'bbb', 'cc', 'bbb', 'dddddd', 'dddddd', 'cc');
  expect(loads).toEqual(['a', 'bbb', 'cc', 'dddddd', 'cc']);
});

test('keeps nothing that is of no more use, and has its room for others', async () => {
  const recent = new Recent<string>(2);
  await get(recent, 'a', 'b');
  recent.forget('a');
  recent.forget('never there');
  await get(recent, 'c', 'b', 'a');
  expect(loads).toEqual(['a', 'b', 'c', 'a']);
});

test('loads nothing beside a load that is under way, however many others are', async () => {
  const recent = new Recent<string>(1);
  const ends: (() => void)[] = [];
  const slow = (key: string) =>
    recent.get(key, () => {
      loads.push(key);
      return new Promise((resolve) => ends.push(() => resolve(key)));
    });
  const all = ['a', 'b', 'c', 'a', 'b', 'c'].map(slow);
  expect(loads).toEqual(['a', 'b', 'c']);
  for (const end of ends) end();
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('loads again what could not be loaded', async () => {
  const recent = new Recent<string>(1);
  const broken = () => Promise.reject(new Error('the disk broke'));
  await expect(recent.get('a', broken)).rejects.toThrow('the disk broke');
  await get(recent, 'a', 'a');
  expect(loads).toEqual(['a']);
});
