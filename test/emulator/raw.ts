import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** Opens a connection and writes a request by hand: the head, and what there is of a body that is to be `length` long. */
export async function openRequest(url: string, line: string, body = '', length = body.length): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(
    `${line} HTTP/1.1\r\nhost: ${hostname}\r\nx-auth-token: token-one\r\n` +
      `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  );
  return socket;
}
