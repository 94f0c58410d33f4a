/** Brings a crowd's server to a port. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Crowd } from './crowd.ts';

/** Listens on 127.0.0.1; returns the port. `onUpgrade` sees the sockets, which no server shows. */
export async function listenFor(crowd: Crowd, onUpgrade?: (path: string, socket: Duplex) => void): Promise<number> {
  const http = createServer();
  http.on('upgrade', (request, socket: Duplex, head) => {
    onUpgrade?.(request.url ?? '', socket);
    crowd.handleUpgrade(request, socket, head);
  });
  http.listen({ host: '127.0.0.1', port: 0, backlog: 1_024 });
  await once(http, 'listening');
  return (http.address() as AddressInfo).port;
}
