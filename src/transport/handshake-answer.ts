/**
 * The answer to a handshake that nothing is unusual about.
 *
 * Source: RFC 6455 §4.2.2.
 */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AcceptableUpgrade } from './contract.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** A base64-encoded value of 16 bytes. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** Tokens of RFC 9110 §5.6.2. */
const TOKENS = /^[ \t]*[!#$%&'*+\-.^`|~\w]+[ \t]*(?:,[ \t]*[!#$%&'*+\-.^`|~\w]+[ \t]*)*$/;

/** The 101 with `subprotocol` and `headers`; undefined when the request is not one that is answered here. */
export function switchingProtocols(
  request: IncomingMessage,
  subprotocol: string | undefined,
  headers: AcceptableUpgrade<unknown, unknown>['headers'],
): string | undefined {
  const { method, headers: given } = request;
  const key = given['sec-websocket-key'];
  const offered = given['sec-websocket-protocol'];
  if (method !== 'GET' || given.upgrade?.toLowerCase() !== 'websocket') return undefined;
  if (given['sec-websocket-version'] !== '13' || key === undefined || !KEY.test(key)) return undefined;
  if (offered !== undefined && !areDifferentTokens(offered)) return undefined;
  const accept = hash('sha1', key + GUID, 'base64');
  const announced =
    offered === undefined || subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n${announced}${headers === undefined ? '' : headerText(headers)}\r\n`
  );
}

function headerText(headers: readonly (readonly [name: string, value: string])[]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

function areDifferentTokens(header: string): boolean {
  if (!TOKENS.test(header)) return false;
  const tokens = header.split(',').map((token) => token.trim());
  return new Set(tokens).size === tokens.length;
}
