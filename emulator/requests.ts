import type { IncomingMessage } from 'node:http';

/** The most bytes of a body that are read. */
const MAX_BODY = 1024 * 1024;

/** The path of a request, and its query. */
export function address(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  return { path, query: new URLSearchParams(query) };
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
