/** A node with Socket.IO: by itself, or with its Redis adapter, set up as the adapter's own documentation says, or tuned. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { groupName } from '../payload.ts';
import { loadPeer } from '../servers/peers.ts';
import { isMember, roomOf, type ClusterNode, type NodeSetting } from './contract.ts';

interface Socket {
  readonly handshake: { readonly query: Readonly<Record<string, string | undefined>> };
  on(event: string, listener: (text: string) => void): void;
  join(room: string): void | Promise<void>;
}

interface Emitter {
  emit(event: string, text: string): void;
}

interface Server {
  on(event: 'connection', listener: (socket: Socket) => void): void;
  to(room: string): Emitter;
}

interface SocketIo {
  readonly Server: new (
    server: HttpServer,
    options: { transports: string[]; serveClient: boolean; adapter?: unknown },
  ) => Server;
}

interface RedisClient {
  on(event: 'error', listener: (error: Error) => void): void;
  duplicate(): RedisClient;
  connect(): Promise<unknown>;
}

interface Redis {
  readonly createClient: (options: { url: string; commandOptions?: { timeout: undefined } }) => RedisClient;
}

interface RedisAdapter {
  readonly createAdapter: (publisher: RedisClient, subscriber: RedisClient) => unknown;
}

/** Tuned: the client makes no timer for each command, which is most of what publishing costs it otherwise. */
async function adapterAt(url: string, tuned: boolean): Promise<unknown> {
  const { createAdapter } = await loadPeer<RedisAdapter>('@socket.io/redis-adapter');
  const { createClient } = await loadPeer<Redis>('redis');
  const publisher = createClient({ url, ...(tuned && { commandOptions: { timeout: undefined } }) });
  const subscriber = publisher.duplicate();
  for (const client of [publisher, subscriber]) client.on('error', console.error);
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}

export async function start({ server: kind, role, engine, tally }: NodeSetting): Promise<ClusterNode> {
  const { Server } = await loadPeer<SocketIo>('socket.io');
  const adapter = engine === undefined ? {} : { adapter: await adapterAt(engine, kind === 'socket.io-redis-tuned') };
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], serveClient: false, ...adapter });

  async function settle(socket: Socket): Promise<void> {
    const path = socket.handshake.query['name'] ?? '';
    if (role === 'group') await socket.join(groupName);
    if (role === 'stored') await socket.join(path);
    if (role === 'relay' || role === 'named') {
      const room = roomOf(path);
      if (isMember(path)) await socket.join(room);
      else socket.on('m', (text) => io.to(room).emit('m', text));
    }
    tally.settled();
  }
  io.on('connection', (socket) => void settle(socket));

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send(text) {
      io.to(groupName).emit('m', text);
    },
    sendTo(name, text) {
      io.to(name).emit('m', text);
    },
  };
}
