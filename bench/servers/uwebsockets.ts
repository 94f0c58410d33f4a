/**
 * uWebSockets.js, a server in C++: the ceiling. From npm it comes as
 * `uwebsockets`, a republished build with binaries, pinned by the checksum in
 * bench/package-lock.json; where none fits this system, its rows say so.
 */
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';
import { loadPeer } from './peers.ts';

interface Socket {
  getUserData(): { readonly name: string };
  send(message: string | ArrayBuffer, isBinary: boolean): void;
  subscribe(topic: string): void;
}

interface Response {
  upgrade(userData: unknown, key: string, protocol: string, extensions: string, context: unknown): void;
}

interface Request {
  getUrl(): string;
  getHeader(name: string): string;
}

interface Behaviour {
  upgrade(response: Response, request: Request, context: unknown): void;
  open(socket: Socket): void;
  message(socket: Socket, message: ArrayBuffer, isBinary: boolean): void;
  close(socket: Socket): void;
}

interface App {
  ws(pattern: string, behaviour: Behaviour): App;
  listen(host: string, port: number, done: (listening: unknown) => void): App;
  publish(topic: string, message: string, isBinary: boolean): void;
}

interface UWebSockets {
  App(): App;
  us_socket_local_port(listening: unknown): number;
}

export async function start(role: Role): Promise<ServerUnderTest> {
  const { default: uws } = await loadPeer<{ default: UWebSockets }>('uwebsockets');
  const stored = new Map<string, Socket>();
  const app = uws.App().ws('/*', {
    upgrade(response, request, context) {
      response.upgrade(
        { name: request.getUrl().slice(1) },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open(socket) {
      if (role === 'stored') stored.set(socket.getUserData().name, socket);
      if (role === 'group' || role === 'broadcast') socket.subscribe(groupName);
    },
    message(socket, message, isBinary) {
      if (role === 'echo') socket.send(message, isBinary);
    },
    close(socket) {
      if (role === 'stored') stored.delete(socket.getUserData().name);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (listening) => {
      if (listening) resolve(uws.us_socket_local_port(listening));
      else reject(new Error('uWebSockets.js does not listen'));
    });
  });
  return {
    port,
    send(text) {
      app.publish(groupName, text, false);
    },
    sendTo(name, text) {
      stored.get(name)?.send(text, false);
    },
  };
}
