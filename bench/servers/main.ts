/**
 * The process of one server under test: `main.js <server> <role>`.
 *
 * It is plain Node.js on compiled code, asked through the channel to its
 * parent. Only what lies between `begin` and `end` is counted.
 */
import { serverNames, type SoleServerName } from '../contract.ts';
import { textOf, nameOf } from '../payload.ts';
import { PeerMissing } from './peers.ts';
import {
  roles,
  type Command,
  type Memory,
  type Reply,
  type Role,
  type ServerUnderTest,
  type Start,
} from './contract.ts';

const files: Record<SoleServerName, () => Promise<{ start: Start }>> = {
  ws: () => import('./ws.ts'),
  'troupe-handlers': () => import('./troupe-handlers.ts'),
  'troupe-machine': () => import('./troupe-machine.ts'),
  'socket.io': () => import('./socket-io.ts'),
  crossws: () => import('./crossws.ts'),
  uwebsockets: () => import('./uwebsockets.ts'),
  net: () => import('./net.ts'),
};

function answer(reply: Reply): void {
  process.send?.(reply);
}

/** What is left after garbage collection, which takes a few passes until finalisers have run. */
async function memory(): Promise<Memory> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssKiB: rss / 1024, heapKiB: heapUsed / 1024, externalKiB: external / 1024 };
}

function obey(server: ServerUnderTest): void {
  let cpu = process.cpuUsage();
  let wall = performance.now();
  process.on('message', (order: Command) => {
    switch (order.command) {
      case 'send':
        for (let sequence = order.from; sequence < order.from + order.count; sequence++) {
          server.send?.(textOf(sequence, order.bytes));
        }
        break;
      case 'sendToEach':
        for (let index = 0; index < order.names; index++) {
          const name = nameOf(index);
          server.sendTo?.(name, textOf(order.sequence, order.bytes, name));
        }
        break;
      case 'begin':
        wall = performance.now();
        cpu = process.cpuUsage();
        answer({ reply: 'begun' });
        break;
      case 'end': {
        const { user, system } = process.cpuUsage(cpu);
        answer({ reply: 'spent', cpuUs: user + system, wallMs: performance.now() - wall });
        break;
      }
      case 'memory':
        void memory().then((figures) => answer({ reply: 'memory', ...figures }));
    }
  });
}

const server = serverNames.find((known) => known === process.argv[2]);
const role = roles.find((known): known is Role => known === process.argv[3]);
if (server === undefined || role === undefined) throw new Error('usage: main.js <server> <role>');
// Whoever asked is gone: so is this.
process.on('disconnect', () => process.exit());
try {
  const { start } = await files[server]();
  const running = await start(role);
  obey(running);
  answer({ reply: 'ready', port: running.port });
} catch (error) {
  if (!(error instanceof PeerMissing)) throw error;
  answer({ reply: 'unavailable', reason: error.message });
}
