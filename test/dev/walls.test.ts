import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What each place may import, and some things it may not: docs/design.md, "Where things are". */
const WALLS: [place: string, may: string[], mayNot: string[]][] = [
  [
    'src/workflows/x.ts',
    ['./y.ts', '../contract/job.ts', '../payloads/converter.ts', '@temporalio/workflow'],
    [
      ...['../contract/schema.ts', '../config.ts', '../jobs/x.ts', '../storage/x.ts', '../payloads/codec.ts'],
      ...['../activities/x.ts', '../../dev/x.ts', 'node:fs', 'fs', 'zod', 'undici', '@temporalio/client'],
    ],
  ],
  [
    'src/activities/x.ts',
    ['./y.ts', '../contract/schema.ts', '../bigcommerce/x.ts', '../jobs/sources/x.ts', '../storage/x.ts', 'node:os'],
    ['../workflows/index.ts', '../config.ts', '../client.ts', '../temporal/connect.ts', '../../emulator/x.ts'],
  ],
  [
    'src/bigcommerce/x.ts',
    ['./y.ts', '../contract/job.ts', 'undici', 'zod', 'node:fs'],
    ['../jobs/x.ts', '../storage/x.ts', '../activities/x.ts', '../config.ts', '@temporalio/common'],
  ],
  [
    'src/jobs/x.ts',
    ['./y.ts', './sources/x.ts', '../contract/schema.ts', '../storage/x.ts', 'csv-parse'],
    ['../bigcommerce/x.ts', '../activities/x.ts', '../config.ts', '@temporalio/activity', 'undici', 'node:http'],
  ],
  [
    'src/jobs/sources/x.ts',
    ['./y.ts', '../x.ts', '../../contract/job.ts', '../../storage/x.ts', 'node:zlib'],
    ['../../bigcommerce/x.ts', '../../activities/x.ts', '../../config.ts', '@temporalio/activity', 'undici'],
  ],
  [
    'src/storage/x.ts',
    ['./y.ts', 'node:fs/promises', '@aws-sdk/client-s3'],
    ['../contract/job.ts', '../jobs/x.ts', '../config.ts', '@temporalio/common'],
  ],
  [
    'src/temporal/x.ts',
    ['./y.ts', '../config.ts', '../contract/job.ts', '@temporalio/client', '@temporalio/envconfig'],
    ['../client/server.ts', '../starter/x.ts', '@temporalio/worker'],
  ],
  [
    'src/payloads/x.ts',
    ['./y.ts', '../process.ts', '@temporalio/common', 'node:crypto'],
    ['../contract/job.ts', '../config.ts'],
  ],
  ['src/contract/x.ts', ['./job.ts', '@temporalio/workflow'], ['zod', 'node:fs', './schema.ts', '../config.ts']],
  ['src/contract/schema.ts', ['./job.ts', './describe.ts', 'zod'], ['./outcomes.ts', '../config.ts']],
  [
    'src/config.ts',
    ['./contract/job.ts', './process.ts', 'zod', 'node:process'],
    ['./client.ts', './storage/x.ts', './jobs/x.ts'],
  ],
  [
    'src/worker/x.ts',
    ['./y.ts', '../contract/job.ts', '../process.ts', '../bigcommerce/message.ts', 'pino'],
    ['../config.ts', '../bigcommerce/store.ts', '../activities/x.ts', '../temporal/connect.ts'],
  ],
  [
    'src/client.ts',
    ['./client/x.ts', './contract/schema.ts', './storage/storage.ts', '@temporalio/client'],
    ['./config.ts', './jobs/x.ts', './storage/s3.ts', './activities/x.ts', './workflows/index.ts', './worker.ts'],
  ],
  [
    'src/client/x.ts',
    [
      './y.ts',
      '../contract/job.ts',
      '../storage/x.ts',
      '../jobs/keys.ts',
      '../jobs/failure-files.ts',
      '../temporal/grpc.ts',
    ],
    [
      ...['../config.ts', '../temporal/connect.ts', '../jobs/prepare.ts', '../jobs/sources/x.ts', '../activities/x.ts'],
      ...['../bigcommerce/x.ts', '../workflows/index.ts', '../worker.ts', '../starter/x.ts', '../client.ts'],
    ],
  ],
  [
    'src/starter.ts',
    ['./client.ts', './config.ts', './starter/x.ts', 'commander'],
    ['./storage/x.ts', './jobs/x.ts', './worker.ts', './workflows/index.ts'],
  ],
  [
    'src/starter/x.ts',
    ['./y.ts', '../client.ts', '../client/server.ts', '../config.ts', '../temporal/x.ts', '../jobs/x.ts', 'commander'],
    ['../worker.ts', '../activities/x.ts', '../bigcommerce/x.ts', '../client/result.ts', '../workflows/index.ts'],
  ],
  [
    'src/worker.ts',
    ['./config.ts', './worker/x.ts', './temporal/x.ts', './activities/x.ts', './bigcommerce/x.ts', './jobs/x.ts'],
    ['./client.ts', './starter.ts', './starter/x.ts', '../dev/x.ts', '../emulator/x.ts'],
  ],
  ['src/codec-server.ts', ['./config.ts', './payloads/x.ts', './process.ts'], ['./contract/job.ts', './client.ts']],
  ['src/new-file.ts', ['./contract/job.ts', 'zod'], ['./config.ts', './storage/x.ts']],
  ['src/new-room/x.ts', ['./y.ts', '../contract/job.ts'], ['../config.ts', '../storage/x.ts', '../../dev/x.ts']],
  ['emulator/x.ts', ['./y.ts', 'commander', 'node:http'], ['../src/contract/job.ts', '@temporalio/common']],
  ['test/x.test.ts', ['../src/storage/x.ts', '../emulator/x.ts', '../dev/x.ts', 'node:process'], []],
  ['dev/x.ts', ['../src/client.ts', '../emulator/x.ts', 'node:process'], []],
  ['bench/x.ts', ['../src/client.ts', '../emulator/x.ts', 'node:process'], []],
];

/** oxlint's complaints about walls in these files, under the project's configuration: `path:line` of each. */
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

test.each(WALLS)('%s may import what it should, and nothing else', (place, may, mayNot) => {
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
