import { checkJobStore, OtherJobStore, whichStore } from '../../src/jobs/which-store.ts';
import { newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };

test('a job store is the same one for all who ask, at once or later, and no other one', async () => {
  const [storage, other] = [await newStorage(), await newStorage()];
  const [first, second] = await Promise.all([whichStore(storage), whichStore(storage)]);
  expect(first).toEqual({ id: expect.stringMatching(/^[\da-f]{8}$/), at: storage.root });
  expect(second).toEqual(first);
  expect(await whichStore(storage)).toEqual(first);
  expect((await whichStore(other)).id).not.toBe(first.id);
});

test('a job goes on where its files are, wherever that is mounted, and nowhere else', () => {
  const here = { id: 'here', at: 'file:///data' };
  for (const jobStore of [here, { id: 'here', at: 'file:///mnt/data' }]) {
    expect(() => checkJobStore(here, { ...job, jobStore })).not.toThrow();
  }
  expect(() => checkJobStore(here, job)).not.toThrow();
  expect(() => checkJobStore(here, { ...job, jobStore: { ...here, id: 'there' } })).toThrow(OtherJobStore);
});
