import { MockActivityEnvironment } from '@temporalio/testing';
import { customersToSend, type ReadChunkRef } from '../../src/activities/customers-to-send.ts';
import type { CallOptions, Store } from '../../src/bigcommerce/store.ts';
import type { PresentReader, ReadCustomers } from '../../src/jobs/present.ts';

const chunk = { rows: [1, 2], lines: [2, 3], body: '[{"id":1,"notes":"a"},{"id":2,"notes":"b"}]' };
const calling = {} as CallOptions;
const job = { storeHash: 'abc', key: 'run-1' };

type Asked = Pick<ReadChunkRef, 'probe'> & Partial<ReadChunkRef['read']>;

/** Whom it chooses if the store has these notes, and whom it asks the store about. */
async function choose(notes: string[], { probe, ...read }: Asked, isRead = true) {
  const asked: number[][] = [];
  const store = {
    async readCustomers({ ids }: { ids: number[] }) {
      asked.push(ids);
      return [];
    },
  };
  const present = {
    async ofPage(_: unknown, page: number, chunks: number, read: ReadCustomers) {
      expect([page, chunks]).toEqual([2, 300]);
      if (!isRead) await read([1, 2, 3]);
      return new Map(notes.map((note, index) => [index + 1, { notes: note }]));
    },
  };
  const full = { job, chunk: 205, read: { chunks: 300, skipUnchanged: true, ...read }, ...(probe && { probe }) };
  const parts = [store as unknown as Store, present as unknown as PresentReader, full, chunk, calling] as const;
  const chosen: unknown = await new MockActivityEnvironment().run(customersToSend, ...parts);
  return { chosen, asked };
}

test.each<[string[], Asked, number[] | undefined]>([
  [['a', 'x'], {}, [2]],
  [['a', 'b'], {}, []],
  [['x', 'x'], {}, undefined],
  [['a', 'b'], { skipUnchanged: false }, undefined],
])('of customers that have %j, with %j, %j are chosen', async (notes, ref, expected) => {
  expect(await choose(notes, ref)).toEqual({ chosen: expected, asked: [] });
});

test('a probe asks the store even if no customer is to be sent', async () => {
  expect(await choose(['a', 'b'], { probe: 'resume' })).toEqual({ chosen: [], asked: [[1, 2]] });
  expect(await choose(['a', 'b'], { probe: 'check' }, false)).toEqual({ chosen: [], asked: [[1, 2, 3]] });
  expect(await choose(['a', 'x'], { probe: 'resume' })).toEqual({ chosen: [2], asked: [] });
});
