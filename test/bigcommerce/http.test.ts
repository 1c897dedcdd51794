import { exchange, openConnections } from '../../src/bigcommerce/http.ts';
import { startTinyApi } from './tiny-api.ts';

test('what is aborted on its way to a connection is never written, and not even asked about', async () => {
  const api = await startTinyApi();
  const connections = openConnections(api.url);
  const beforeWrite = jest.fn();
  const stop = new AbortController();
  const call = {
    method: 'PUT',
    origin: api.url,
    path: '/',
    headers: {},
    body: '[]',
    signal: stop.signal,
    beforeWrite,
  } as const;
  const stopped = exchange(connections, call);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  await expect(exchange(connections, call)).rejects.toThrow('enough');
  await exchange(connections, { ...call, signal: new AbortController().signal });
  expect(api.seen).toHaveLength(1);
  expect(beforeWrite).toHaveBeenCalledTimes(1);
  await connections.close();
  await api.close();
});
