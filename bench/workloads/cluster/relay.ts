/** From a client of one node to a client of the other: what a message costs each of them, and how long it takes. */
import { withCluster, type ClusterSpent } from '../../cluster/nodes.ts';
import { Pairs } from '../../cluster/pairs.ts';
import type { Measure, RunOptions, Sample, ServerName, Workload } from '../../contract.ts';
import { within } from '../../deadline.ts';
import { median } from '../../figures.ts';

const bytes = 128;
const pairs = 50;
const underWay = 4;
const warmUp = 20_000;
const counted = 40_000;
const paced = { messages: 2_000, perMs: 1 };

function measureRelay(role: 'relay' | 'named'): Measure {
  return (server: ServerName, { scale }: RunOptions): Promise<Sample> =>
    withCluster(nodesFor(server), role, async (cluster) => {
      const [here, there = here] = cluster.nodes;
      const receivers = await there!.open(pathsOf('m'));
      const senders = await here!.open(pathsOf('s'));
      const talk = new Pairs(server, senders, receivers, bytes);
      await cluster.warmUp(() => within(60_000, 'the warm-up', talk.saturate(warmUp / 2, underWay)));
      const count = Math.round(counted * scale);
      await cluster.begin();
      await within(60_000, 'all messages', talk.saturate(count, underWay));
      const spent = await cluster.end();
      const some = Math.round(paced.messages * scale);
      const latencies = await within(60_000, 'all messages', talk.pace(some, paced.perMs));
      return {
        value: sum(spent.nodes) / count,
        extra: { ...perMessage(spent, count), p50Us: median(latencies) * 1_000 },
        checked: count + some,
      };
    });
}

function pathsOf(kind: 's' | 'm'): string[] {
  return Array.from({ length: pairs }, (_, index) => `${kind}${index}`);
}

/** Without an engine there is one node, on which both clients are. */
function nodesFor(server: ServerName): ServerName[] {
  return server === 'troupe-handlers' ? [server] : [server, server];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function perMessage({ nodes, engine, wallMs }: ClusterSpent, count: number): Record<string, number> {
  const [here = 0, there] = nodes;
  return {
    publishUs: here / count,
    ...(there === undefined ? {} : { deliverUs: there / count }),
    ...(engine === undefined ? {} : { engineUs: engine / count }),
    messagesPerSecond: (count * 1_000) / wallMs,
  };
}

function workload(name: string, title: string, role: 'relay' | 'named'): Workload {
  return {
    name,
    title,
    unit: 'µs of the CPU of both nodes per message',
    method:
      `${pairs} pairs, each with ${underWay} messages on their way: read from a client, sent on, written to a client ` +
      'of the other node; with `troupe-handlers` of the same node, without a backplane. `publishUs` is the node of the ' +
      'sender, `deliverUs` the other one. Every byte that arrives is compared.',
    servers: ['troupe-handlers', 'troupe-redis', 'troupe-nats', 'socket.io-redis', 'socket.io-redis-tuned'],
    baseline: 'socket.io-redis',
    budgets: { 'troupe-redis': { kind: 'ratio', atMost: 0.5 } },
    figures: [
      {
        name: `${name}-p50`,
        title: `${title}, at 1 000 messages a second: half of them are there within`,
        unit: 'µs, median latency from client to client',
        of: 'p50Us',
        budgets: {},
      },
    ],
    when: 'not in quick',
    measure: measureRelay(role),
  };
}

export const relayGroup = workload(
  'cluster-relay',
  'a text of 128 B to a group with one member, on the other node',
  'relay',
);
export const relayName = workload('cluster-name', 'a text of 128 B to a stored connection of the other node', 'named');
