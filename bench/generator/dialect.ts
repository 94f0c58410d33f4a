/** What a client has to say beyond RFC 6455: nothing to most servers, Engine.IO and Socket.IO packets to Socket.IO. */
import type { ServerName } from '../contract.ts';
import { opcodes, type Frame } from './frames.ts';

export interface Dialect {
  /** The path of the upgrade request. */
  readonly path: (name: string) => string;
  /** What the server's n-th greeting is answered with; undefined when the connection is ready with it. */
  readonly greeting: (packet: string) => string | undefined;
  /** How many greetings the server sends before messages may flow. */
  readonly greetings: number;
  /** A message as it goes over the wire, either way. */
  readonly wrap: (text: string) => string;
  /** The answer to a packet between the messages that keeps the connection alive. */
  readonly keepAlive: (frame: Frame) => string | undefined;
}

const plain: Dialect = {
  path: (name) => `/${name}`,
  greetings: 0,
  greeting: () => undefined,
  wrap: (text) => text,
  keepAlive: () => undefined,
};

/** Engine.IO protocol 4 (0 open, 2 ping, 3 pong, 4 message), Socket.IO protocol 5 (40 connect, 42 event). */
const socketIo: Dialect = {
  path: (name) => `/socket.io/?EIO=4&transport=websocket&name=${name}`,
  greetings: 2,
  greeting: (packet) => (packet.startsWith('0{') ? '40' : undefined),
  wrap: (text) => `42${JSON.stringify(['m', text])}`,
  keepAlive: ({ opcode, payload }) =>
    opcode === opcodes.text && payload.length === 1 && payload[0] === 0x32 ? '3' : undefined,
};

export function dialectOf(server: ServerName): Dialect {
  return server.startsWith('socket.io') ? socketIo : plain;
}
