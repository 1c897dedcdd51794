import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from './routes.ts';
import { connectToTemporal, NoTemporal } from './temporal.ts';

const { PORT = '8090', JOB_STORE: jobStore } = process.env;
if (!jobStore) throw new Error("JOB_STORE: expected the workers' job store, file:/folder or s3://bucket.");

const client = await connectToTemporal().catch((error: unknown) => {
  if (!(error instanceof NoTemporal)) throw error;
  console.error(error.message);
  process.exit(2);
});

const server = createServer((request, response) => void answer(request, response, client, jobStore));
// An upload can take as long as it needs.
server.requestTimeout = 0;
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

// Open requests still get their answers, within ten seconds, but no new ones are accepted. The jobs carry on without
// us.
process.once('SIGTERM', () => {
  server.close(() => void client.connection.close());
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
