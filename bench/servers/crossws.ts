/** crossws with its adapter for Node.js. Broadcasts and groups are topics; names are a `Map`, as it has none. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';
import { loadPeer } from './peers.ts';

interface Peer {
  readonly request: { readonly url: string };
  send(text: string): unknown;
  subscribe(topic: string): void;
}

interface Adapter {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  publish(topic: string, text: string): void;
}

interface Hooks {
  open(peer: Peer): void;
  message(peer: Peer, message: { text(): string }): void;
  close(peer: Peer): void;
}

interface Crossws {
  readonly default: (options: { hooks: Partial<Hooks> }) => Adapter;
}

/** What the adapter sees is a whole URL. */
function nameIn(peer: Peer): string {
  return new URL(peer.request.url, 'http://localhost').pathname.slice(1);
}

export async function start(role: Role): Promise<ServerUnderTest> {
  const { default: crossws } = await loadPeer<Crossws>('crossws/adapters/node');
  const stored = new Map<string, Peer>();
  const adapter = crossws({
    hooks: {
      open(peer) {
        if (role === 'stored') stored.set(nameIn(peer), peer);
        if (role === 'group' || role === 'broadcast') peer.subscribe(groupName);
      },
      ...(role === 'echo'
        ? { message: (peer: Peer, message: { text(): string }) => void peer.send(message.text()) }
        : {}),
      ...(role === 'stored' ? { close: (peer: Peer) => void stored.delete(nameIn(peer)) } : {}),
    },
  });

  const server = createServer();
  server.on('upgrade', (request, socket, head) => void adapter.handleUpgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send(text) {
      adapter.publish(groupName, text);
    },
    sendTo(name, text) {
      stored.get(name)?.send(text);
    },
  };
}
