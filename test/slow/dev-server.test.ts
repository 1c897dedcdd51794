import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Connection } from '@temporalio/client';
import { startDevServer, type DevServer } from '../../dev/servers/dev-server.ts';

describe('a dev server', () => {
  const started: DevServer[] = [];
  const start = async (...args: Parameters<typeof startDevServer>) => {
    const server = await startDevServer(...args);
    started.push(server);
    return server;
  };
  afterAll(() => Promise.all(started.map((server) => server.stop())));

  test('answers on a free port, has the search attributes, and stops', async () => {
    const server = await start({ searchAttributes: { CustomerUpdateState: 'Keyword' } });
    const connection = await Connection.connect({ address: server.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    expect(Object.keys(customAttributes ?? {})).toContain('CustomerUpdateState');
    await connection.close();
    await server.stop();
    await expect(Connection.connect({ address: server.address, connectTimeout: 200 })).rejects.toThrow();
  });

  test('serves the Web UI 1000 ports above, two at once', async () => {
    const servers = await Promise.all([start({ ui: true }), start({ ui: true })]);
    for (const { address, uiUrl } of servers) {
      expect(uiUrl).toBe(`http://127.0.0.1:${Number(address.split(':')[1]) + 1000}`);
      expect((await fetch(uiUrl!)).status).toBe(200);
    }
    expect(servers[0].address).not.toBe(servers[1].address);
  });

  test("fails with the server's own words when it does not come up", async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(startDevServer({ port })).rejects.toThrow(/address already in use/);
    other.close();
  });

  test('is the one that TEMPORAL_ADDRESS names, if a running one is wanted', async () => {
    const running = await start();
    process.env['TEMPORAL_ADDRESS'] = running.address;
    try {
      const found = await start({ useRunning: true });
      expect(found).not.toHaveProperty('pid');
      await found.stop();
      expect((await start()).address).not.toBe(running.address);
      await running.stop();
      await expect(startDevServer({ useRunning: true })).rejects.toThrow(`TEMPORAL_ADDRESS is ${running.address}`);
      process.env['TEMPORAL_ADDRESS'] = 'temporal.example.com:7233';
      expect((await start({ useRunning: true })).address).toMatch(/^127\.0\.0\.1:/);
    } finally {
      delete process.env['TEMPORAL_ADDRESS'];
    }
  });
});
