import { Turns } from '../../src/jobs/turns.ts';

const never = new AbortController().signal;

/** Work that ends when the test says. */
function work(started: string[], name: string) {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = async () => {
    started.push(name);
    await ended;
  };
  return { run, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('so many run at once, and then the others, first come, first served', async () => {
  const started: string[] = [];
  const turns = new Turns(2);
  const all = ['a', 'b', 'c', 'd'].map((name) => work(started, name));
  const runs = all.map(({ run }) => turns.run(run, never));
  await settled();
  expect(started).toEqual(['a', 'b']);
  all[1]?.end();
  await settled();
  expect(started).toEqual(['a', 'b', 'c']);
  for (const { end } of all) end();
  await Promise.all(runs);
  expect(started).toEqual(['a', 'b', 'c', 'd']);
});

test('a failure gives its place back', async () => {
  const turns = new Turns(1);
  await expect(turns.run(() => Promise.reject(new Error('disk full')), never)).rejects.toThrow('disk full');
  expect(await turns.run(() => Promise.resolve('done'), never)).toBe('done');
});

test('what is cancelled while it waits does not run, and takes no place', async () => {
  const started: string[] = [];
  const turns = new Turns(1);
  const [first, second, third] = ['first', 'second', 'third'].map((name) => work(started, name));
  const cancel = new AbortController();
  const runs = [turns.run(first!.run, never), turns.run(second!.run, cancel.signal), turns.run(third!.run, never)];
  cancel.abort(new Error('cancelled'));
  await expect(runs[1]).rejects.toThrow('cancelled');
  for (const { end } of [first!, third!]) end();
  await Promise.all([runs[0], runs[2]]);
  expect(started).toEqual(['first', 'third']);
});
