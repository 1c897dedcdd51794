import { ChunkQueue, GIVE_UP_TRIES } from '../../src/workflows/chunk-queue.ts';

const takeAll = (queue: ChunkQueue): number[] => {
  const chunks = [];
  for (let item = queue.take(); item; item = queue.take()) chunks.push(item.chunk);
  return chunks;
};

test('chunks come in the order of the file', () => {
  expect(takeAll(ChunkQueue.of(4))).toEqual([0, 1, 2, 3]);
});

test('one that was put back comes first', () => {
  const queue = ChunkQueue.of(3);
  const first = queue.take() as { chunk: number };
  queue.putBack(first, 2);
  expect(takeAll(queue)).toEqual([0, 1, 2]);
  expect(queue.attemptsBefore(0)).toBe(2);
});

test('one without an answer comes again after 30 others', () => {
  const queue = ChunkQueue.of(50);
  queue.unanswered(queue.take() as { chunk: number }, 4, 0);
  expect(takeAll(queue).indexOf(0)).toBe(30);
});

test('one without an answer comes again at the end where there are no 30 others', () => {
  const queue = ChunkQueue.of(3);
  queue.unanswered(queue.take() as { chunk: number }, 4, 0);
  expect(takeAll(queue)).toEqual([1, 2, 0]);
  expect(queue.empty).toBe(true);
});

test(`a chunk is given up after ${GIVE_UP_TRIES} tries if others are settled in between`, () => {
  const queue = ChunkQueue.of(3);
  const item = { chunk: 0 };
  expect([1, 2, 3].map((done) => queue.unanswered(item, 4, done))).toEqual([true, true, false]);
});

test('a chunk is never given up as long as nothing else was settled since its first try', () => {
  const queue = ChunkQueue.of(3);
  const rounds = Array.from({ length: 100 }, () => queue.unanswered({ chunk: 0 }, 4, 7));
  expect(rounds.every(Boolean)).toBe(true);
});

test('tries in an outage count a quarter once others were settled', () => {
  const queue = ChunkQueue.of(3);
  const rounds = [1, 2, 2, 2, 2, 2].map((done) => queue.unanswered({ chunk: 0 }, 4, done));
  expect(rounds).toEqual([true, true, true, true, true, false]);
});

test('a queue that was carried over goes on where it was', () => {
  const queue = ChunkQueue.of(6);
  const [zero, one] = [queue.take(), queue.take()] as [{ chunk: number }, { chunk: number }];
  queue.putBack(one, 1);
  queue.unanswered(zero, 4, 0);
  queue.add([{ chunk: 5, only: [51] }]);
  const carried = new ChunkQueue(structuredClone(queue.carry()));
  expect(carried.attemptsBefore(0)).toBe(4);
  expect(takeAll(carried).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 5]);
});
