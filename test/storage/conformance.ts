import { NotFound, type Storage } from '../../src/storage/storage.ts';

/** A file's text. */
export async function textOf(storage: Storage, key: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of storage.read(key)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** What every backend must do, given a way to make an empty storage. */
export function storageConformance(makeStorage: () => Promise<Storage>): void {
  let storage: Storage;

  beforeEach(async () => {
    storage = await makeStorage();
  });

  test('returns what was written, as text or bytes', async () => {
    await storage.write('a/b.txt', ['Zoë ', Buffer.from('Müller'), '\n']);
    expect(await textOf(storage, 'a/b.txt')).toBe('Zoë Müller\n');
  });

  test('writes content that arrives in pieces of any size', async () => {
    async function* pieces() {
      for (let index = 0; index < 40; index++) yield Buffer.alloc(100_000, index);
    }
    await storage.write('large', pieces());
    let length = 0;
    for await (const piece of storage.read('large')) {
      expect(piece.every((byte, index) => byte === Math.floor((length + index) / 100_000))).toBe(true);
      length += piece.length;
    }
    expect(length).toBe(4_000_000);
  });

  test('calls check before it reads the first byte', async () => {
    await storage.write('a', ['x']);
    const refusal = new Error('not this one');
    const read = async (check: (uri: string) => void) => {
      for await (const piece of storage.read('a', check)) return Buffer.from(piece).toString();
    };
    await expect(
      read(() => {
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    expect(await read((uri) => expect(storage.keyOf(uri)).toBe('a'))).toBe('x');
  });

  test('writes an empty file', async () => {
    await storage.write('empty', []);
    expect(await storage.exists('empty')).toBe(true);
    expect(await textOf(storage, 'empty')).toBe('');
  });

  test('replaces a file whole', async () => {
    await storage.write('a', ['a longer text']);
    await storage.write('a', ['short']);
    expect(await textOf(storage, 'a')).toBe('short');
  });

  test('writes a file once: of several writers one is told that it has, and what it wrote stands', async () => {
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
    const first = await Promise.all(texts.map((text) => storage.writeOnce('folder/once', text)));
    expect(first.filter(Boolean)).toHaveLength(1);
    expect(await textOf(storage, 'folder/once')).toBe(texts[first.indexOf(true)]);
    expect(await storage.writeOnce('folder/once', Buffer.from('later'))).toBe(false);
    expect(await textOf(storage, 'folder/once')).toBe(texts[first.indexOf(true)]);
    expect(await storage.deleteBelow('folder')).toBe(1);
    expect(await storage.writeOnce('folder/once', Buffer.from('anew'))).toBe(true);
    expect(await textOf(storage, 'folder/once')).toBe('anew');
  });

  test('leaves the file unchanged if its content fails halfway, and rethrows the reason', async () => {
    const reason = new Error('the source broke off');
    async function* broken() {
      yield 'half of ';
      throw reason;
    }
    await storage.write('kept', ['before']);
    await expect(storage.write('kept', broken())).rejects.toBe(reason);
    await expect(storage.write('absent', broken())).rejects.toBe(reason);
    expect(await textOf(storage, 'kept')).toBe('before');
    expect(await storage.exists('absent')).toBe(false);
  });

  test('shows nobody a file before it is complete', async () => {
    let half = (): void => undefined;
    let finish = (): void => undefined;
    const isHalf = new Promise<void>((resolve) => (half = resolve));
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    async function* slow() {
      yield 'one ';
      half();
      await mayFinish;
      yield 'two';
    }
    const written = storage.write('slow', slow());
    await isHalf;
    expect(await storage.exists('slow')).toBe(false);
    finish();
    await written;
    expect(await textOf(storage, 'slow')).toBe('one two');
  });

  test('lets two writers write one file at once: one of them wins, whole', async () => {
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await Promise.all(texts.map((text) => storage.write('raced', [text.slice(0, 100_000), text.slice(100_000)])));
    expect(texts).toContain(await textOf(storage, 'raced'));
  });

  test('says which file is missing', async () => {
    const missing = textOf(storage, 'no/such.file');
    await expect(missing).rejects.toThrow(NotFound);
    await expect(missing).rejects.toThrow(storage.uri('no/such.file'));
  });

  test('deletes a file, and accepts that it is gone', async () => {
    await storage.write('a/b', ['x']);
    await storage.delete('a/b');
    await storage.delete('a/b');
    await storage.delete('never/was');
    expect(await storage.exists('a/b')).toBe(false);
  });

  test('deletes all files below a folder, at any depth and however many, and counts them', async () => {
    const below = ['folder/a', 'folder/b/c/d', ...Array.from({ length: 60 }, (_, index) => `folder/many/${index}`)];
    const others = ['folder-too/a', 'folder.csv', 'other/folder/a'];
    await Promise.all([...below, ...others].map((key) => storage.write(key, ['x'])));
    expect(await storage.deleteBelow('folder')).toBe(below.length);
    const there = (keys: string[]) => Promise.all(keys.map((key) => storage.exists(key)));
    expect(await there(below)).toEqual(below.map(() => false));
    expect(await there(others)).toEqual(others.map(() => true));
    expect(await storage.deleteBelow('folder')).toBe(0);
    expect(await storage.deleteBelow('never/was')).toBe(0);
  });

  test('deletes nothing below a folder once it is told to stop', async () => {
    await storage.write('folder/a', ['x']);
    const reason = new Error('stopping');
    await expect(storage.deleteBelow('folder', AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await storage.exists('folder/a')).toBe(true);
  });

  test.each(['a', 'a/b.csv', 'sources/copies/x/ü & ä%20#1?.csv'])('finds the key of the URI of %j', (key) => {
    expect(storage.keyOf(storage.uri(key))).toBe(key);
    expect(storage.uri(key).startsWith(`${storage.root}/`)).toBe(true);
  });

  test('finds no key for the URI of another place', () => {
    for (const uri of [`${storage.root}-too/a`, storage.root, `${storage.root}/`, 'https://example.com/a', 'a', '']) {
      expect(storage.keyOf(uri)).toBeUndefined();
    }
  });

  test.each(['', '/', '/etc/passwd', '..', '../a', 'a/../../b', 'a/./b', 'a//b', 'a/', 'a\\b', 'a\0b'])(
    'rejects the key %j, which could lead out',
    async (key) => {
      expect(() => storage.uri(key)).toThrow(RangeError);
      await expect(textOf(storage, key)).rejects.toThrow(RangeError);
      await expect(storage.write(key, ['x'])).rejects.toThrow(RangeError);
      await expect(storage.delete(key)).rejects.toThrow(RangeError);
      await expect(storage.deleteBelow(key)).rejects.toThrow(RangeError);
      await expect(storage.exists(key)).rejects.toThrow(RangeError);
    },
  );
}
