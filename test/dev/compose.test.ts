import { readFileSync } from 'node:fs';
import { composeScript } from '../../dev/servers/compose.ts';
import { SERVER_VERSION } from '../../dev/servers/temporal-server-build.ts';

const file = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

test("a service's script is as its shell gets it", async () => {
  const script = await composeScript('temporal-schema');
  expect(script).toMatch(/^setup\(\) \{\n {2}temporal-sql-tool --db \$1 create\n/);
  expect(script).toMatch(/\nsetup temporal temporal\nsetup temporal_visibility visibility\n+$/);
});

test.each(['postgres', 'nobody'])('a service without one is named: %s', async (service) => {
  await expect(composeScript(service)).rejects.toThrow(`docker-compose.yml has no service ${service} with a script`);
});

test('the server that tests and benchmarks have on PostgreSQL is that of docker-compose.yml', () => {
  expect(file).toContain(`image: temporalio/server:${SERVER_VERSION}\n`);
  expect(file).toContain(`image: temporalio/admin-tools:${SERVER_VERSION}\n`);
  expect(file).toContain("NUM_HISTORY_SHARDS: '128'");
});
