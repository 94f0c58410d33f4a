/** The process of one node: `server.js <server> <role> [engine's URL]`. */
import type { ServerName } from '../contract.ts';
import { answerCalls } from '../crowd/process.ts';
import { messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import { PeerMissing } from '../servers/peers.ts';
import type { ClusterNode, ClusterRole, NamesOrder, StartNode, TicksOrder } from './contract.ts';
import { Count } from './count.ts';

const [server, role, engine] = process.argv.slice(2) as [ServerName, ClusterRole, string?];
const settled = new Count();
const replaced = new Count();

async function startNode(): Promise<ClusterNode> {
  const isSocketIo = server.startsWith('socket.io');
  const { start }: { start: StartNode } = await (isSocketIo
    ? import('./socket-io-node.ts')
    : import('./troupe-node.ts'));
  const tally = { settled: () => settled.add(), replaced: () => replaced.add() };
  return start({ server, role, engine, tally });
}

const starting = startNode();
// Whoever asks for the port hears of it.
starting.catch(() => {});
let begun = process.cpuUsage();

const commands = {
  /** The port, or why there is none here. */
  async port(): Promise<{ port: number } | { missing: string }> {
    try {
      return { port: (await starting).port };
    } catch (error) {
      if (error instanceof PeerMissing) return { missing: error.message };
      throw error;
    }
  },

  /** Resolves when so many connections are where they have to be, since the beginning. */
  settled: (count: number) => settled.reaches(count),

  /** Resolves when so many connections have lost their names, since the beginning. */
  replaced: (count: number) => replaced.reaches(count),

  begin(): void {
    begun = process.cpuUsage();
  },

  /** CPU time of all threads since `begin`, in µs. */
  end(): number {
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  },

  async send({ from, ticks, together, bytes }: TicksOrder): Promise<void> {
    const node = await starting;
    for (let tick = 0; tick < ticks; tick++) {
      if (tick > 0) await new Promise((resolve) => setImmediate(resolve));
      for (let nth = 0; nth < together; nth++)
        node.send(textOf((from + tick * together + nth) % messagesInRing, bytes));
    }
  },

  async sendToEach({ sequence, first, names, bytes }: NamesOrder): Promise<void> {
    const node = await starting;
    for (let index = first; index < first + names; index++) {
      const name = nameOf(index);
      node.sendTo(name, textOf(sequence, bytes, name));
    }
  },

  async claim(parallel: number): Promise<void> {
    await (await starting).claim?.(parallel);
  },
};

export type NodeCommands = typeof commands;

answerCalls(commands);
