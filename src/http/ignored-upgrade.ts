/** Answers a request in HTTP/1.1 although it offered another protocol. */
import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Hands `request` to the server's request listeners. Node has let go of the connection, so it ends with the answer. */
export function ignoreUpgrade(server: Server | SecureServer, request: IncomingMessage, stream: Duplex): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  stream.on('error', () => stream.destroy());
  response.assignSocket(stream as Socket);
  response.on('finish', () => {
    response.detachSocket(stream as Socket);
    stream.end(() => stream.destroy());
  });
  server.emit('request', request, response);
}
