import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

export interface RequestFields {
  method?: string;
  url?: string;
  version?: readonly [major: number, minor: number];
  /** By their names in lower case; `undefined` leaves one out. */
  headers?: Readonly<Record<string, string | undefined>>;
}

const goodHeaders: Readonly<Record<string, string | undefined>> = {
  host: '127.0.0.1:9090',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** A handshake as `node:http` hands it over, right in every field that is not overridden; no network. */
export function request({ method = 'GET', url = '/', version = [1, 1], headers }: RequestFields = {}): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.method = method;
  message.url = url;
  [message.httpVersionMajor, message.httpVersionMinor] = version;
  for (const [name, value] of Object.entries({ ...goodHeaders, ...headers })) {
    if (value !== undefined) message.headers[name] = value;
  }
  return message;
}
