import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { answer } from './routes.ts';

const { PORT = '8090', JOB_STORE: jobStore } = process.env;
if (!jobStore) throw new Error('JOB_STORE: expected where the workers keep their files, file:/folder or s3://bucket.');

const { connectionOptions, namespace } = loadClientConnectConfig();
const connection = await Connection.connect(connectionOptions);
const client = new Client({ connection, ...(namespace !== undefined && { namespace }) });

const server = createServer((request, response) => void answer(request, response, client, jobStore));
// An upload may take as long as it takes.
server.requestTimeout = 0;
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

// What was asked is still answered, within ten seconds; nothing new is taken. The jobs go on without us.
process.once('SIGTERM', () => {
  server.close(() => void connection.close());
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
