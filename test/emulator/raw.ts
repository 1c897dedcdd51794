import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** Opens a connection for writing requests by hand. */
export async function openConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A request to store `one` as text: its head, and the start of a body that is `length` long. */
export const rawPut = (body: string, length = body.length): string =>
  'PUT /stores/one/v3/customers HTTP/1.1\r\nhost: localhost\r\nx-auth-token: token-one\r\n' +
  `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;
