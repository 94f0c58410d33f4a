/** The socket to the server, beside the page that opens it. */
import type { SocketListener } from './viewer.ts';

/** Without a subprotocol the server tells what Stately's tools understand, and nothing else. */
export function openSocket({ opened, heard, closed }: SocketListener, subprotocol?: string): WebSocket {
  const address = new URL('ws', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.search = '';
  address.hash = '';
  const socket = new WebSocket(address, subprotocol === undefined ? [] : [subprotocol]);
  socket.addEventListener('open', opened);
  socket.addEventListener('message', ({ data }) => heard(data));
  socket.addEventListener('close', closed);
  return socket;
}
