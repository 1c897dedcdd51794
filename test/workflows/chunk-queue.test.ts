import { ChunkQueue, GIVE_UP_TRIES, type Item } from '../../src/workflows/chunk-queue.ts';

/** An activity of four tries without an answer, and how many chunks were done before it and after it. */
const tried = (done: number, doneBefore = 0) => ({ tries: 4, attempts: 4, doneBefore, done });

const takeAll = (queue: ChunkQueue): number[] => {
  const chunks = [];
  for (let item = queue.take(); item; item = queue.take()) chunks.push(item.chunk);
  return chunks;
};

test('chunks are taken in the order of the file', () => {
  expect(takeAll(ChunkQueue.of(4))).toEqual([0, 1, 2, 3]);
});

test('one that was put back is taken first', () => {
  const queue = ChunkQueue.of(3);
  const first = queue.take() as { chunk: number };
  queue.putBack(first, 2);
  expect(takeAll(queue)).toEqual([0, 1, 2]);
  expect(queue.attemptsBefore(0)).toBe(2);
});

test('one without an answer is taken again after 30 others', () => {
  const queue = ChunkQueue.of(50);
  queue.unanswered(queue.take() as { chunk: number }, tried(0), false);
  expect(takeAll(queue).indexOf(0)).toBe(30);
});

test('one without an answer is taken again at the end if there are fewer than 30 others', () => {
  const queue = ChunkQueue.of(3);
  queue.unanswered(queue.take() as { chunk: number }, tried(0), false);
  expect(takeAll(queue)).toEqual([1, 2, 0]);
  expect(queue.empty).toBe(true);
});

test(`a chunk is given up after ${GIVE_UP_TRIES} tries if others are done in between`, () => {
  const queue = ChunkQueue.of(3);
  const item = { chunk: 0 };
  expect([1, 2, 3].map((done) => queue.unanswered(item, tried(done), false))).toEqual([true, true, false]);
});

test('a chunk is never given up while no other was done since its first try', () => {
  const queue = ChunkQueue.of(3);
  const rounds = Array.from({ length: 100 }, () => queue.unanswered({ chunk: 0 }, tried(7, 7), false));
  expect(rounds.every(Boolean)).toBe(true);
});

test('tries in an outage count a quarter once others are done', () => {
  const queue = ChunkQueue.of(3);
  const rounds = [1, 2, 2, 2, 2, 2].map((done) => queue.unanswered({ chunk: 0 }, tried(done), false));
  expect(rounds).toEqual([true, true, true, true, true, false]);
});

test('tries count a quarter if the others were done during the first of them', () => {
  const queue = ChunkQueue.of(100);
  const rounds = Array.from({ length: 9 }, () => queue.unanswered({ chunk: 0 }, tried(99, 1), false));
  expect(rounds).toEqual([...Array<boolean>(8).fill(true), false]);
});

test("a chunk that can't be given up is put back behind the others", () => {
  const queue = ChunkQueue.of(3);
  const item = queue.take() as { chunk: number };
  for (const done of [1, 2, 3]) queue.unanswered(item, tried(done), true);
  expect(takeAll(queue).slice(0, 2)).toEqual([1, 2]);
});

test.each<[string, (queue: ChunkQueue) => void]>([
  ['was put back', (queue) => queue.putBack({ chunk: 0 }, 1)],
  ['got no answer', (queue) => queue.unanswered({ chunk: 0 }, tried(0), false)],
  ['is to be sent again', (queue) => queue.add([{ chunk: 0, only: [7] }])],
])('a queue is not empty while one chunk waits that %s', (_, wait) => {
  const queue = ChunkQueue.of(1);
  expect(queue.empty).toBe(false);
  takeAll(queue);
  expect(queue.empty).toBe(true);
  wait(queue);
  expect(queue.empty).toBe(false);
  expect(takeAll(queue)).toEqual([0]);
});

test('attempted are the waiting chunks that were sent before, until they are done', () => {
  const queue = ChunkQueue.of(4);
  queue.putBack({ chunk: 1 }, 0);
  queue.unanswered({ chunk: 2 }, tried(0), false);
  queue.unanswered({ chunk: 2 }, tried(0), false);
  expect(queue.attempted()).toEqual([1, 2]);
  expect([1, 2, 3].map((chunk) => queue.attemptsBefore(chunk))).toEqual([0, 8, 0]);
  queue.forget(2);
  expect(queue.attempted()).toEqual([1]);
  expect(queue.attemptsBefore(2)).toBe(0);
});

test('the tries of a chunk that is done do not count when its customers are sent again', () => {
  const queue = ChunkQueue.of(3);
  const item = { chunk: 0 };
  for (const done of [1, 2]) queue.unanswered(item, tried(done), false);
  queue.forget(0);
  expect([3, 4, 5].map((done) => queue.unanswered(item, tried(done), false))).toEqual([true, true, false]);
});

test('a queue that was carried over remembers the tries of a chunk, and tries it at once', () => {
  const queue = ChunkQueue.of(50);
  const item = queue.take() as { chunk: number };
  for (const done of [1, 2]) queue.unanswered(item, tried(done), false);
  const carried = new ChunkQueue(structuredClone(queue.carry()));
  expect(carried.unanswered(item, tried(3), false)).toBe(false);
  expect(carried.take()).toEqual(item);
});

test('a queue that was carried over continues where it was', () => {
  const queue = ChunkQueue.of(6);
  const [zero, one] = [queue.take(), queue.take()] as [{ chunk: number }, { chunk: number }];
  queue.putBack(one, 1);
  queue.unanswered(zero, tried(0), false);
  queue.add([{ chunk: 5, only: [51] }]);
  const carried = new ChunkQueue(structuredClone(queue.carry()));
  expect(carried.attemptsBefore(0)).toBe(4);
  expect(takeAll(carried).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 5]);
});

test('a chunk that came back from no attempt at all can not have been sent', () => {
  const queue = ChunkQueue.of(2);
  const [first, second] = [queue.take() as Item, queue.take() as Item];
  queue.unanswered(first, { tries: 0, attempts: 0, doneBefore: 0, done: 0 }, false);
  queue.unanswered(second, { tries: 1, attempts: 1, doneBefore: 0, done: 0 }, false);
  expect(queue.attempted()).toEqual([second.chunk]);
});
