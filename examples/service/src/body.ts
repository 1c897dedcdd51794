import type { IncomingMessage } from 'node:http';

/** The body of a request can't be used. The message says what was expected, and quotes nothing. */
export class BadBody extends Error {
  override name = 'BadBody';
}

/** Longest JSON list and longest line, in characters. */
const MAX_LIST = 1024 * 1024;
const MAX_LINE = 64 * 1024;

/** The customers in a request: one JSON object per line, only a few of them in memory, or a short JSON list. */
export async function customersIn(request: IncomingMessage): Promise<unknown[] | AsyncGenerator> {
  const type = request.headers['content-type']?.split(';')[0]?.trim();
  if (type === 'application/x-ndjson') return customersByLine(request);
  if (type === 'application/json') return customersInList(request);
  throw new BadBody('content-type: expected application/x-ndjson, or application/json for a short list.');
}

async function* customersByLine(request: IncomingMessage): AsyncGenerator {
  let number = 0;
  for await (const line of linesOf(request)) {
    number++;
    if (line.trim() === '') continue;
    try {
      yield JSON.parse(line) as unknown;
    } catch {
      throw new BadBody(`line ${number}: expected one JSON object, got ${line.length} characters that are not JSON.`);
    }
  }
}

async function* linesOf(request: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const text of request.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    yield* lines;
    if (rest.length > MAX_LINE) throw new BadBody(`expected lines of at most ${MAX_LINE} characters.`);
  }
  if (rest !== '') yield rest;
}

async function customersInList(request: IncomingMessage): Promise<unknown[]> {
  let text = '';
  for await (const piece of request.setEncoding('utf8') as AsyncIterable<string>) {
    text += piece;
    if (text.length > MAX_LIST) throw new BadBody('expected a short list: send longer ones as application/x-ndjson.');
  }
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // Reported below.
  }
  throw new BadBody('expected a JSON list of customers.');
}
