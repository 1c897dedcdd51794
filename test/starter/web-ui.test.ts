import { webUiBase, pageOf } from '../../src/starter/session.ts';

test.each([
  ['localhost:7233', undefined, 'http://localhost:8233'],
  ['localhost', undefined, 'http://localhost:8233'],
  ['127.0.0.1:40123', undefined, 'http://127.0.0.1:41123'],
  ['[::1]:7233', undefined, 'http://[::1]:8233'],
  ['ns.a1b2c.tmprl.cloud:7233', undefined, 'https://cloud.temporal.io'],
  ['us-east-1.aws.api.temporal.io:7233', undefined, 'https://cloud.temporal.io'],
  ['temporal.example.com:7233', undefined, undefined],
  ['tmprl.cloud.example.com:7233', undefined, undefined],
  ['temporal.example.com:7233', 'https://temporal.example.com/', 'https://temporal.example.com'],
  ['localhost:7233', 'http://localhost:8080', 'http://localhost:8080'],
])('a server at %s with WEB_UI_URL %s has its Web UI at %s', (address, setting, base) => {
  expect(webUiBase(address, setting)).toBe(base);
});

test("a job's page escapes the id", () => {
  expect(pageOf('http://localhost:8233', 'default', 'customer-updates/abc123/spring')).toBe(
    'http://localhost:8233/namespaces/default/workflows/customer-updates%2Fabc123%2Fspring',
  );
});

test("a schedule's page is another one", () => {
  expect(pageOf('http://localhost:8233', 'default', 'customer-updates/abc123/nightly', 'schedules')).toBe(
    'http://localhost:8233/namespaces/default/schedules/customer-updates%2Fabc123%2Fnightly',
  );
});
