/**
 * Whether a request is a WebSocket handshake that can be answered.
 *
 * Source: RFC 6455 §4.2.1 and §4.2.2, §11.3.4 for the subprotocols.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Refusal } from './refusal.ts';

const WEBSOCKET_VERSION = '13';
/** A base64-encoded value of 16 bytes. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** The token of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Whether a request offers another protocol than WebSocket: a server may ignore that offer and answer in HTTP/1.1
 * (RFC 9110 §7.8). Programs that would rather speak HTTP/2 send it with ordinary requests.
 */
export function isOtherUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && headers.upgrade.toLowerCase() !== 'websocket';
}

/** What is wrong with the handshake, if anything. */
export function checkHandshake(request: IncomingMessage): Refusal | undefined {
  const { headers, method } = request;
  if (method !== 'GET') {
    return { status: 405, reason: 'a WebSocket handshake is a GET request', headers: { Allow: 'GET' } };
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return { status: 426, reason: 'the only upgrade here is "websocket"', headers: { Upgrade: 'websocket' } };
  }
  if (request.httpVersionMajor !== 1 || request.httpVersionMinor < 1) {
    return { status: 400, reason: 'a WebSocket handshake needs HTTP/1.1' };
  }
  if (headers.host === undefined) return { status: 400, reason: 'the header Host is missing' };
  const version = headers['sec-websocket-version'];
  if (version === undefined) return { status: 400, reason: 'the header Sec-WebSocket-Version is missing' };
  if (version !== WEBSOCKET_VERSION) {
    return {
      status: 426,
      reason: `only version ${WEBSOCKET_VERSION} of the WebSocket protocol is spoken here`,
      headers: { Upgrade: 'websocket', 'Sec-WebSocket-Version': WEBSOCKET_VERSION },
    };
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined) return { status: 400, reason: 'the header Sec-WebSocket-Key is missing' };
  if (!KEY.test(key)) return { status: 400, reason: 'the header Sec-WebSocket-Key is not 16 bytes in base64' };
  if (offeredSubprotocols(headers) === undefined) {
    return { status: 400, reason: 'the header Sec-WebSocket-Protocol is no list of different tokens' };
  }
  return undefined;
}

/** The subprotocols that the client offers, in its order; `undefined` when the header is malformed. */
export function offeredSubprotocols(headers: IncomingHttpHeaders): readonly string[] | undefined {
  const header = headers['sec-websocket-protocol'];
  if (header === undefined) return [];
  const offered = header.split(',').map((token) => token.trim());
  return offered.every((token) => TOKEN.test(token)) && new Set(offered).size === offered.length ? offered : undefined;
}
