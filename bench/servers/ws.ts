/** Bare `ws` with its default options, as a user writes it by hand. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';

export async function start(role: Role): Promise<ServerUnderTest> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const stored = new Map<string, WebSocket>();
  const groups = new Map<string, Set<WebSocket>>();

  sockets.on('connection', (socket, request) => {
    socket.on('error', console.error);
    switch (role) {
      case 'echo':
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
        break;
      case 'stored': {
        const name = request.url?.slice(1) ?? '';
        stored.set(name, socket);
        socket.on('close', () => stored.delete(name));
        break;
      }
      case 'group': {
        const group = groups.get(groupName) ?? new Set();
        groups.set(groupName, group.add(socket));
        socket.on('close', () => group.delete(socket));
        break;
      }
      case 'broadcast':
    }
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send(text) {
      for (const socket of role === 'group' ? (groups.get(groupName) ?? []) : sockets.clients) {
        if (socket.readyState === socket.OPEN) socket.send(text);
      }
    },
    sendTo(name, text) {
      stored.get(name)?.send(text);
    },
  };
}
