/**
 * The plain loop that the job is compared with: undici with three connections, a file of customers, ten per call,
 * nothing else. `plain-loop.ts API_URL STORE TOKEN FILE.ndjson` prints how long it took, in ms.
 */
import { readFile } from 'node:fs/promises';
import { Pool } from 'undici';

const [apiUrl = '', store = '', token = '', file = ''] = process.argv.slice(2);
const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/json', Accept: 'application/json' };
const connections = new Pool(apiUrl, { connections: 3, pipelining: 1 });
const startedAt = performance.now();
const customers = (await readFile(file, 'utf8')).trimEnd().split('\n');

let next = 0;
async function send(): Promise<void> {
  while (next < customers.length) {
    const body = `[${customers.slice(next, (next += 10)).join(',')}]`;
    const answer = await connections.request({ method: 'PUT', path: `/stores/${store}/v3/customers`, headers, body });
    await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`Expected 200, got ${answer.statusCode}.`);
  }
}
await Promise.all([send(), send(), send()]);
console.log(Math.round(performance.now() - startedAt));
await connections.close();
