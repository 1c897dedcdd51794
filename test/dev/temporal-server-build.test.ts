import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalServer } from '../../dev/servers/temporal-server-build.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'build-temporal-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** With this shell script as the `go` on the PATH. */
function find(go?: string) {
  if (go !== undefined) {
    writeFileSync(join(folder, 'bin/go'), `#!/bin/sh\nPATH=/usr/bin:/bin\n${go}\n`);
    chmodSync(join(folder, 'bin/go'), 0o755);
  }
  const said: string[] = [];
  const env = { PATH: `${join(folder, 'bin')}${go === undefined ? '' : ':/usr/bin:/bin'}` };
  const found = findTemporalServer({ env, cache: join(folder, 'cache'), say: (line) => void said.push(line) });
  return { found, said };
}

const kept = () => join(folder, `cache/temporal-server-1.32.0-${process.platform}-${process.arch}`);

// Stands in for Go: a module with a schema, which is read-only as all modules are, and a program for each `go build`.
const go = () => `
  source=${folder}/module
  case "$1" in
    mod) mkdir -p "$source/schema/postgresql/v12/temporal" && chmod -R a-w "$source/schema"
         echo "{\\"Dir\\": \\"$source\\"}" ;;
    build) echo "$CGO_ENABLED $PWD $6" > "$5" ;;
  esac`;

test('the server is built from its Go module once, with its tool and schema, and kept', async () => {
  const { found, said } = find(go());
  expect(await found).toBe(kept());
  expect(said).toEqual(["Building Temporal's server 1.32.0 with Go: six minutes on two cores …"]);
  expect(readdirSync(kept()).sort()).toEqual(['schema', 'temporal-server', 'temporal-sql-tool']);
  expect(existsSync(join(kept(), 'schema/postgresql/v12/temporal'))).toBe(true);

  const again = find('exit 1');
  expect(await again.found).toBe(kept());
  expect(again.said).toEqual([]);
});

test('two that build it at once both have it', async () => {
  expect(await Promise.all([find(go()).found, find(go()).found])).toEqual([kept(), kept()]);
  expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
});

test.each([
  ['there is no Go', undefined, 'no go'],
  [
    'the build fails',
    'echo "go: go.mod requires go >= 1.26.8 (running go 1.24.4)" >&2; exit 1',
    'go: go.mod requires go >= 1.26.8 (running go 1.24.4)',
  ],
])('where %s the error says so and what is needed, and nothing is left', async (_, script, why) => {
  await expect(find(script).found).rejects.toThrow(
    `Temporal's server 1.32.0 could not be built: ${why}\nGo 1.26.8 or newer is needed (https://go.dev/dl)`,
  );
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});
