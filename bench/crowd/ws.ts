/** The crowd's server as one writes it by hand on bare `ws`. */
import { WebSocketServer, type WebSocket } from 'ws';
import type { Crowd } from './crowd.ts';
import { groupOf, nameOf } from './texts.ts';

export function createWsCrowd(): Crowd {
  const server = new WebSocketServer({ noServer: true });
  const stored = new Map<string, WebSocket>();
  const groups = new Map<string, Set<WebSocket>>();

  server.on('connection', (socket, request) => {
    const [, , group = '', index = ''] = (request.url ?? '').split('/');
    const name = nameOf(index);
    const groupName = groupOf(group);
    stored.set(name, socket);
    const members = groups.get(groupName) ?? new Set();
    groups.set(groupName, members.add(socket));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      stored.delete(name);
      members.delete(socket);
      if (members.size === 0) groups.delete(groupName);
    });
  });

  const sendAll = (sockets: Iterable<WebSocket>, text: string): void => {
    for (const socket of sockets) if (socket.readyState === socket.OPEN) socket.send(text);
  };
  return {
    get isEmpty() {
      return server.clients.size === 0;
    },
    handleUpgrade(request, stream, head) {
      server.handleUpgrade(request, stream, Buffer.from(head), (socket) => server.emit('connection', socket, request));
    },
    push: (name, text) => stored.get(name)?.send(text),
    pushToGroup: (group, text) => sendAll(groups.get(group) ?? [], text),
    broadcast: (text) => sendAll(server.clients, text),
  };
}
