/** Socket.IO over WebSocket, with its default options otherwise. Names and groups are rooms, its own means for both. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';
import { loadPeer } from './peers.ts';

interface Socket {
  readonly handshake: { readonly query: Readonly<Record<string, string | undefined>> };
  on(event: string, listener: (text: string) => void): void;
  emit(event: string, text: string): void;
  join(room: string): void;
}

interface Emitter {
  emit(event: string, text: string): void;
}

interface Server extends Emitter {
  on(event: 'connection', listener: (socket: Socket) => void): void;
  to(room: string): Emitter;
}

interface SocketIo {
  readonly Server: new (server: HttpServer, options: { transports: string[]; serveClient: boolean }) => Server;
}

export async function start(role: Role): Promise<ServerUnderTest> {
  const { Server } = await loadPeer<SocketIo>('socket.io');
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], serveClient: false });

  io.on('connection', (socket) => {
    if (role === 'echo') socket.on('m', (text) => socket.emit('m', text));
    if (role === 'stored') socket.join(socket.handshake.query['name'] ?? '');
    if (role === 'group') socket.join(groupName);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send(text) {
      (role === 'group' ? io.to(groupName) : io).emit('m', text);
    },
    sendTo(name, text) {
      io.to(name).emit('m', text);
    },
  };
}
