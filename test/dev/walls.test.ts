import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What each place may import, and some of what it may not: docs/design.md, "Where things are". */
const WALLS: [place: string, may: string[], mayNot: string[]][] = [
  [
    'src/workflows/x.ts',
    ['./y.ts', '../contract.ts', '../outcomes.ts', '@temporalio/workflow'],
    [
      ...['../schema.ts', '../config.ts', '../jobs/x.ts', '../storage/x.ts', '../activities/x.ts', '../../dev/x.ts'],
      ...['node:fs', 'node:fs/promises', 'fs', 'zod', 'undici', '@temporalio/client', '@temporalio/activity'],
    ],
  ],
  [
    'src/activities/x.ts',
    [
      './y.ts',
      '../contract.ts',
      '../outcomes.ts',
      '../schema.ts',
      '../bigcommerce/x.ts',
      '../jobs/sources/x.ts',
      '../storage/x.ts',
      'node:os',
    ],
    ['../workflows/index.ts', '../config.ts', '../client.ts', '../worker.ts', '../../emulator/x.ts'],
  ],
  [
    'src/bigcommerce/x.ts',
    ['./y.ts', '../contract.ts', 'undici', 'zod', 'node:fs'],
    ['../jobs/x.ts', '../storage/x.ts', '../activities/x.ts', '../schema.ts', '../config.ts', '@temporalio/common'],
  ],
  [
    'src/jobs/x.ts',
    ['./y.ts', './sources/x.ts', '../contract.ts', '../outcomes.ts', '../schema.ts', '../storage/x.ts', 'csv-parse'],
    ['../bigcommerce/x.ts', '../activities/x.ts', '../config.ts', '@temporalio/activity', 'undici', 'node:http'],
  ],
  [
    'src/jobs/sources/x.ts',
    ['./y.ts', '../x.ts', '../../contract.ts', '../../storage/x.ts', 'node:zlib'],
    ['../../bigcommerce/x.ts', '../../activities/x.ts', '../../config.ts', '@temporalio/activity', 'undici'],
  ],
  [
    'src/storage/x.ts',
    ['./y.ts', 'node:fs/promises', '@aws-sdk/client-s3'],
    ['../contract.ts', '../jobs/x.ts', '../config.ts', '@temporalio/common'],
  ],
  [
    'src/connection/x.ts',
    ['./y.ts', '../config.ts', '../grpc.ts', '@temporalio/client', '@temporalio/envconfig'],
    ['../contract.ts', '../client/server.ts', '../cli/x.ts', '@temporalio/worker'],
  ],
  [
    'src/encryption/x.ts',
    ['./y.ts', '@temporalio/common', 'node:crypto'],
    ['../contract.ts', '../config.ts', '../storage/x.ts'],
  ],
  ['src/contract.ts', ['@temporalio/workflow'], ['zod', 'node:fs', './schema.ts', './outcomes.ts']],
  ['src/outcomes.ts', ['./contract.ts'], ['zod', 'node:fs', './schema.ts']],
  ['src/schema.ts', ['./contract.ts', 'zod'], ['./config.ts', './storage/x.ts', './workflows/index.ts']],
  ['src/config.ts', ['./contract.ts', 'zod', 'node:process'], ['./client.ts', './storage/x.ts', './jobs/x.ts']],
  ['src/given-jobs.ts', ['./deployment.ts', './grpc.ts', './log.ts'], ['./config.ts', './activities/x.ts']],
  ['src/log.ts', ['./contract.ts', './bigcommerce/message.ts', 'pino'], ['./config.ts', './bigcommerce/store.ts']],
  ['src/metrics.ts', ['./contract.ts', '@temporalio/common'], ['./bigcommerce/store.ts', './activities/x.ts']],
  [
    'src/client.ts',
    ['./client/x.ts', './contract.ts', './schema.ts', './storage/storage.ts', '@temporalio/client'],
    ['./config.ts', './jobs/x.ts', './storage/s3.ts', './activities/x.ts', './workflows/index.ts', './worker.ts'],
  ],
  [
    'src/client/x.ts',
    [
      ...['./y.ts', '../contract.ts', '../schema.ts', '../storage/x.ts', '../jobs/keys.ts', '../jobs/failures.ts'],
      '../grpc.ts',
      '@temporalio/client',
    ],
    [
      ...[
        '../config.ts',
        '../connection/x.ts',
        '../jobs/prepare.ts',
        '../jobs/sources/x.ts',
        '../activities/x.ts',
        '../bigcommerce/x.ts',
      ],
      ...['../workflows/index.ts', '../worker.ts', '../cli/x.ts', '../client.ts'],
    ],
  ],
  [
    'src/starter.ts',
    ['./client.ts', './config.ts', './cli/x.ts', 'commander'],
    ['./contract.ts', './schema.ts', './storage/x.ts', './jobs/x.ts', './worker.ts', './workflows/index.ts'],
  ],
  [
    'src/cli/x.ts',
    [
      ...[
        './y.ts',
        '../client.ts',
        '../client/server.ts',
        '../config.ts',
        '../connection/x.ts',
        '../contract.ts',
        '../grpc.ts',
        '../schema.ts',
        '../signals.ts',
        '../jobs/x.ts',
        '../storage/x.ts',
      ],
      'commander',
    ],
    ['../worker.ts', '../activities/x.ts', '../bigcommerce/x.ts', '../client/result.ts', '../workflows/index.ts'],
  ],
  [
    'src/worker.ts',
    [
      './config.ts',
      './connection/x.ts',
      './contract.ts',
      './activities/x.ts',
      './bigcommerce/x.ts',
      './jobs/x.ts',
      './storage/x.ts',
    ],
    ['./client.ts', './starter.ts', './cli/x.ts', '../dev/x.ts', '../emulator/x.ts'],
  ],
  ['src/codec-server.ts', ['./config.ts', './encryption/x.ts', './signals.ts'], ['./contract.ts', './client.ts']],
  ['src/new-file.ts', ['./contract.ts', 'zod'], ['./config.ts', './storage/x.ts']],
  ['src/new-room/x.ts', ['./y.ts', '../contract.ts'], ['../config.ts', '../storage/x.ts', '../../dev/x.ts']],
  ['emulator/x.ts', ['./y.ts', 'commander', 'node:http'], ['../src/contract.ts', '@temporalio/common']],
  ['test/x.test.ts', ['../src/storage/x.ts', '../emulator/x.ts', '../dev/x.ts', 'node:process'], []],
  ['dev/x.ts', ['../src/client.ts', '../emulator/x.ts', 'node:process'], []],
  ['bench/x.ts', ['../src/client.ts', '../emulator/x.ts', 'node:process'], []],
];

/** What oxlint, under the project's configuration, says about the files: `path:line` of every complaint about a wall. */
function complaints(files: Record<string, string[]>): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'walls-'));
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [path, lines] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), lines.join('\n'));
    }
    const oxlint = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['-f', 'unix'], { cwd: folder, encoding: 'utf8' });
    const found = oxlint.stdout.matchAll(/^(.+?:\d+):\d+: .*no-restricted-(?:imports|properties)/gm);
    return new Set(Array.from(found, ([, where]) => where!));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const red = complaints(
  Object.fromEntries(
    WALLS.map(([place, may, mayNot]) => [place, [...may, ...mayNot].map((name) => `import '${name}';`)]),
  ),
);

test.each(WALLS)('%s imports what it may, and nothing else', (place, may, mayNot) => {
  const judged = [...may, ...mayNot].filter((_, index) => red.has(`${place}:${index + 1}`));
  expect(judged).toEqual(mayNot);
});

test('types and re-exports and imports at run time are imports too', () => {
  const lines = [
    "import type { X } from '../config.ts';",
    "export * from '../config.ts';",
    "await import('../config.ts');",
  ];
  expect(complaints({ 'src/storage/x.ts': lines }).size).toBe(3);
});

test('only src/config.ts reads the environment', () => {
  const lines = [
    "import { env } from 'node:process';",
    'env.HOME;',
    'process.env.HOME;',
    "process['env'];",
    'const { env: e } = process;',
  ];
  const places = ['src/worker.ts', 'src/storage/x.ts', 'src/config.ts', 'emulator/x.ts', 'dev/x.ts'];
  const found = complaints(Object.fromEntries(places.map((place) => [place, lines])));
  const reading = ['src/worker.ts', 'src/storage/x.ts', 'emulator/x.ts'];
  expect([...found].toSorted()).toEqual(
    reading.flatMap((place) => [1, 3, 4, 5].map((line) => `${place}:${line}`)).toSorted(),
  );
});
