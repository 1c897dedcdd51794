import type { Emulator, EmulatorOptions } from '../../emulator/server.ts';
import { startEmulator } from '../../emulator/server.ts';

/** An answer as read. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined if it is not. */
  json: any;
}

/** How a call differs from the default, a call to store `one` with its token. */
export interface CallOptions {
  store?: string;
  token?: string | null;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** An emulator of its own for a test file, with stores `one` and `two`, and calls to it over HTTP. */
export class Rig {
  readonly url: string;
  readonly close: () => Promise<void>;

  constructor({ url, close }: Emulator) {
    this.url = url;
    this.close = close;
  }

  static async start(options: Partial<EmulatorOptions> = {}): Promise<Rig> {
    const stores = { one: 'token-one', two: 'token-two' };
    return new Rig(await startEmulator({ port: 0, stores, customers: 1_000, latency: 0, ...options }));
  }

  async call(method: string, path: string, body?: string, options: CallOptions = {}): Promise<Answer> {
    const { store = 'one', token = `token-${store}`, headers, signal } = options;
    const response = await fetch(`${this.url}/stores/${store}${path}`, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { 'x-auth-token': token }), ...headers },
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    return read(response);
  }

  put(customers: unknown, options?: CallOptions): Promise<Answer> {
    return this.call('PUT', '/v3/customers', JSON.stringify(customers), options);
  }

  async control(method: string, path: string, body?: unknown): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return read(await fetch(`${this.url}/_control/${path}`, { method, ...(body === undefined ? {} : { body: text }) }));
  }

  async fault(fault: unknown): Promise<void> {
    const { status, text } = await this.control('POST', 'faults', fault);
    if (status !== 200) throw new Error(`The emulator does not accept the fault: ${text}`);
  }

  async stats(store = 'one'): Promise<any> {
    return (await this.control('GET', `stats?store=${store}`)).json;
  }

  async customer(id: number, store = 'one'): Promise<any> {
    return (await this.control('GET', `customers/${store}/${id}`)).json;
  }

  /** Resolves with the counters of store `one` once `isSo` accepts them. */
  async statsWhen(isSo: (stats: any) => boolean): Promise<any> {
    for (;;) {
      const stats = await this.stats();
      if (isSo(stats)) return stats;
    }
  }

  reset(): Promise<Answer> {
    return this.control('POST', 'reset');
  }
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  try {
    return { status, headers, text, json: JSON.parse(text) };
  } catch {
    return { status, headers, text, json: undefined };
  }
}
