import type { IncomingMessage } from 'node:http';

/** The most bytes of a body that are read. */
const MAX_BODY = 1024 * 1024;

/** The path of a request, and its query as it was sent. */
export function address(request: IncomingMessage): { path: string; query: string } {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  return { path, query };
}

/** The values of a filter such as `email:in`. Commas separate them, except encoded ones, which belong to a value. */
export function valuesOf(query: string, filter: string): string[] | undefined {
  const decoded = (text: string) => new URLSearchParams(`=${text}`).get('') ?? '';
  for (const pair of query.split('&')) {
    const [name = '', values = ''] = pair.split('=', 2);
    if (decoded(name) === filter) return values.split(',').map(decoded);
  }
  return undefined;
}

/** The whole body, or undefined if it is larger than 1 MiB. Throws if the client leaves before its end. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  // Reads to the end even if it is too large: a client that is still writing would not see the answer.
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size <= MAX_BODY) pieces.push(piece);
  }
  return size <= MAX_BODY ? Buffer.concat(pieces).toString() : undefined;
}
