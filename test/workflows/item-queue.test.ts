import { type ChunkItem, GIVE_UP_TRIES, ItemQueue } from '../../src/workflows/item-queue.ts';

const chunksOf = (to: number) => ItemQueue.ofChunks({ ranges: [{ from: 0, to }] });

/** An activity of four tries without an answer, and how many chunks were done before it and after it. */
const tried = (done: number, doneBefore = 0) => ({ tries: 4, attempts: 4, doneBefore, done });

const takeAll = (queue: ItemQueue<ChunkItem>): number[] => {
  const chunks = [];
  for (let item = queue.take(); item; item = queue.take()) chunks.push(item.chunk);
  return chunks;
};

test('chunks are taken in the order of the file', () => {
  expect(takeAll(chunksOf(4))).toEqual([0, 1, 2, 3]);
});

test('one that was put back is taken first', () => {
  const queue = chunksOf(3);
  const first = queue.take() as { chunk: number };
  queue.putBack(first, 2);
  expect(takeAll(queue)).toEqual([0, 1, 2]);
  expect(queue.attemptsBefore(0)).toBe(2);
});

test('one without an answer is taken again after 30 others', () => {
  const queue = chunksOf(50);
  queue.unanswered(queue.take() as { chunk: number }, tried(0), false);
  expect(takeAll(queue).indexOf(0)).toBe(30);
});

test('one without an answer is taken again at the end if there are fewer than 30 others', () => {
  const queue = chunksOf(3);
  queue.unanswered(queue.take() as { chunk: number }, tried(0), false);
  expect(takeAll(queue)).toEqual([1, 2, 0]);
  expect(queue.empty).toBe(true);
});

test(`a chunk is given up after ${GIVE_UP_TRIES} tries if others are done in between`, () => {
  const queue = chunksOf(3);
  const item = { chunk: 0 };
  expect([1, 2, 3].map((done) => queue.unanswered(item, tried(done), false))).toEqual([true, true, false]);
});

test('a chunk is never given up while no other was done since its first try', () => {
  const queue = chunksOf(3);
  const rounds = Array.from({ length: 100 }, () => queue.unanswered({ chunk: 0 }, tried(7, 7), false));
  expect(rounds.every(Boolean)).toBe(true);
});

test('tries in an outage count a quarter once others are done', () => {
  const queue = chunksOf(3);
  const rounds = [1, 2, 2, 2, 2, 2].map((done) => queue.unanswered({ chunk: 0 }, tried(done), false));
  expect(rounds).toEqual([true, true, true, true, true, false]);
});

test('tries count a quarter if the others were done during the first of them', () => {
  const queue = chunksOf(100);
  const rounds = Array.from({ length: 9 }, () => queue.unanswered({ chunk: 0 }, tried(99, 1), false));
  expect(rounds).toEqual([...Array<boolean>(8).fill(true), false]);
});

describe('a chunk that brings out a fault of the worker', () => {
  const broken = (done: number) => ({ ...tried(done), isDefect: true });
  const rounds = (...done: number[]) => {
    const queue = chunksOf(100);
    return done.map((count) => queue.unanswered({ chunk: 0 }, broken(count), false));
  };

  test('is given up after its tries if any other was done since the first: it is not the store that fails now and then', () => {
    expect(rounds(1, 1, 1)).toEqual([true, true, false]);
  });

  test('is kept four times as long if none was: a worker without the fault may come', () => {
    expect(rounds(...Array<number>(12).fill(0))).toEqual([...Array<boolean>(11).fill(true), false]);
  });
});

test("a chunk that can't be given up is put back behind the others", () => {
  const queue = chunksOf(3);
  const item = queue.take() as { chunk: number };
  for (const done of [1, 2, 3]) queue.unanswered(item, tried(done), true);
  expect(takeAll(queue).slice(0, 2)).toEqual([1, 2]);
});

test.each<[string, (queue: ItemQueue<ChunkItem>) => void]>([
  ['was put back', (queue) => queue.putBack({ chunk: 0 }, 1)],
  ['got no answer', (queue) => queue.unanswered({ chunk: 0 }, tried(0), false)],
  ['is to be sent again', (queue) => queue.add([{ chunk: 0, only: [7] }])],
])('a queue is not empty while one chunk waits that %s', (_, wait) => {
  const queue = chunksOf(1);
  expect(queue.empty).toBe(false);
  takeAll(queue);
  expect(queue.empty).toBe(true);
  wait(queue);
  expect(queue.empty).toBe(false);
  expect(takeAll(queue)).toEqual([0]);
});

test('chunks count their attempts, and may have been sent, until they are done', () => {
  const queue = chunksOf(4);
  queue.putBack({ chunk: 1 }, 0);
  queue.maybeSent(1);
  queue.unanswered({ chunk: 2 }, tried(0), false);
  queue.unanswered({ chunk: 2 }, tried(0), false);
  queue.maybeSent(2);
  expect(queue.allMaybeSent()).toEqual([1, 2]);
  expect([1, 2, 3].map((chunk) => queue.attemptsBefore(chunk))).toEqual([0, 8, 0]);
  queue.forget({ chunk: 2 });
  expect(queue.allMaybeSent()).toEqual([1]);
  expect(queue.attemptsBefore(2)).toBe(0);
});

describe('chunks of a look-up', () => {
  const MINUTE = 60_000;
  const queue = () => ItemQueue.ofChunks({ ranges: [{ from: 100, to: 104, at: 0 }] });

  test('are taken out once they are more than five minutes old', () => {
    const old = queue();
    old.take();
    expect(old.takeOld(5 * MINUTE)).toEqual([]);
    expect(old.takeOld(5 * MINUTE + 1)).toMatchObject([{ from: 101, to: 104 }]);
    expect(old.empty).toBe(true);
  });

  test('are not taken out a second time before one of them was taken', () => {
    const again = ItemQueue.ofChunks({ ranges: [{ from: 100, to: 104, at: 0, isAgain: true }] });
    expect(again.takeOld(60 * MINUTE)).toEqual([]);
    again.take();
    expect(again.takeOld(60 * MINUTE)).toMatchObject([{ from: 101, to: 104 }]);
  });

  test('that were put back stay: some of their customers may have been sent', () => {
    const back = queue();
    back.putBack(back.take() as ChunkItem, 1);
    expect(back.takeOld(60 * MINUTE)).toMatchObject([{ from: 101, to: 104 }]);
    expect(takeAll(back)).toEqual([100]);
  });

  test('are never old without a look-up', () => {
    expect(chunksOf(9).takeOld(1e12)).toEqual([]);
  });
});

test('the tries of a chunk that is done do not count when its customers are sent again', () => {
  const queue = chunksOf(3);
  const item = { chunk: 0 };
  for (const done of [1, 2]) queue.unanswered(item, tried(done), false);
  queue.forget({ chunk: 0 });
  expect([3, 4, 5].map((done) => queue.unanswered(item, tried(done), false))).toEqual([true, true, false]);
});

test('a queue that was carried over remembers the tries of a chunk, and tries it at once', () => {
  const queue = chunksOf(50);
  const item = queue.take() as { chunk: number };
  for (const done of [1, 2]) queue.unanswered(item, tried(done), false);
  const carried = ItemQueue.ofChunks(structuredClone(queue.carry()));
  expect(carried.unanswered(item, tried(3), false)).toBe(false);
  expect(carried.take()).toEqual(item);
});

test('a queue that was carried over continues where it was', () => {
  const queue = chunksOf(6);
  const [zero, one] = [queue.take(), queue.take()] as [{ chunk: number }, { chunk: number }];
  queue.putBack(one, 1);
  queue.unanswered(zero, tried(0), false);
  queue.add([{ chunk: 5, only: [51] }]);
  const carried = ItemQueue.ofChunks(structuredClone(queue.carry()));
  expect(carried.attemptsBefore(0)).toBe(4);
  expect(takeAll(carried).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 5]);
});
