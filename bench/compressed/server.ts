/** A server whose broadcasts are compressed, without context takeover, in a process of its own. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { createTroupe, defineService } from '../../src/index.ts';
import { answerCalls } from '../crowd/process.ts';
import { textOf } from './text.ts';

interface Broadcaster {
  readonly port: number;
  broadcast(text: string): void;
}

/** Bare `ws` compresses for each socket. */
async function startWs(): Promise<Broadcaster> {
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    broadcast(text) {
      for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.send(text);
    },
  };
}

async function startTroupe(): Promise<Broadcaster> {
  const service = defineService({ name: 'feed', basePath: '/', onOpen() {} });
  const troupe = createTroupe({ services: [service], compression: { thresholdBytes: 0 } });
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  return { port, broadcast: (text) => void troupe.broadcastText('feed', text) };
}

const broadcaster = await (process.argv[2] === 'ws' ? startWs() : startTroupe());
let begun = process.cpuUsage();

const commands = {
  /** The port. */
  port: () => broadcaster.port,

  begin(): void {
    begun = process.cpuUsage();
  },

  /** CPU time of all threads since `begin`, in µs: `ws` compresses beside the event loop. */
  end(): number {
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  },

  broadcast: (number: number) => broadcaster.broadcast(textOf(number)),
};

export type CompressedCommands = typeof commands;

answerCalls(commands);
