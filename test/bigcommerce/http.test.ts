import { Api } from '../../src/bigcommerce/http.ts';
import { startTinyApi } from './tiny-api.ts';

test('an exchange that is aborted while it connects is never written, and `beforeWrite` is not even called', async () => {
  const server = await startTinyApi();
  const api = new Api(server.url, '1.2.3');
  const beforeWrite = jest.fn();
  const stop = new AbortController();
  const call = { method: 'PUT', path: '/', token: 's3cret', body: '[]', signal: stop.signal, beforeWrite } as const;
  const stopped = api.exchange(call);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  await expect(api.exchange(call)).rejects.toThrow('enough');
  await api.exchange({ ...call, signal: new AbortController().signal });
  expect(server.seen).toHaveLength(1);
  expect(beforeWrite).toHaveBeenCalledTimes(1);
  await api.close();
  await server.close();
});
