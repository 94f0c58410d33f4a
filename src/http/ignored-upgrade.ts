/** Takes a request that offered another protocol as the ordinary HTTP/1.1 request that it is as well. */
import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';

const OFFER = new Set(['upgrade', 'http2-settings']);

/**
 * Hands `request` back to `server` without its offer.
 *
 * Node lets go of a connection when it meets an upgrade. The head of the request is therefore put back in front of
 * what follows it, and the connection is given to the server anew: body, keep-alive and the client's leaving are
 * Node's own matter again.
 */
export function ignoreUpgrade(
  server: Server | SecureServer,
  request: IncomingMessage,
  stream: Duplex,
  head: Uint8Array,
): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    let value = rawHeaders[index + 1]!;
    if (OFFER.has(name.toLowerCase())) continue;
    if (name.toLowerCase() === 'connection') {
      value = value
        .split(',')
        .filter((token) => !OFFER.has(token.trim().toLowerCase()))
        .join(',');
      if (value === '') continue;
    }
    lines.push(`${name}: ${value}`);
  }
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', stream);
}
