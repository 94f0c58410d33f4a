/** What does a backplane cost those who need none: pushes on the node itself, with one attached and without. */
import { withCluster, type Cluster, type Node } from '../../cluster/nodes.ts';
import { Calls, Speech } from '../../cluster/speech.ts';
import type { Measure, RunOptions, Sample, ServerName, Workload } from '../../contract.ts';
import { median } from '../../figures.ts';
import { nameOf } from '../../payload.ts';

const slices = 9;
/** Messages, or rounds of calls, in a slice. */
const perSlice = { group: 240, stored: 24 };
const warmUpSlices = 4;
const members = 100;
const names = 1_000;

/** The same server alone. */
const alone: Readonly<Partial<Record<ServerName, ServerName>>> = {
  'troupe-redis': 'troupe-handlers',
  'troupe-nats': 'troupe-handlers',
  'socket.io-redis': 'socket.io',
};

/** Does so many, and says how many messages were sent. */
type Talk = (count: number) => Promise<number>;

async function talkOf(node: Node, role: 'group' | 'stored'): Promise<Talk> {
  const count = role === 'group' ? members : names;
  const opened = await node.open(Array.from({ length: count }, (_, index) => nameOf(index)));
  if (role === 'stored') {
    const calls = new Calls(node, opened);
    return (times) => calls.call(times);
  }
  const speech = new Speech(node, opened);
  return async (times) => {
    await speech.say(times, 16);
    return times;
  };
}

function measureLocal(role: 'group' | 'stored'): Measure {
  return (server, { scale }: RunOptions): Promise<Sample> =>
    withCluster([alone[server] ?? server, server], role, async (cluster) => {
      const talks = await Promise.all(cluster.nodes.map((node) => talkOf(node, role)));
      const count = Math.max(16, Math.round(perSlice[role] * scale));
      await cluster.warmUp(async () => {
        for (const talk of talks) for (let nth = 0; nth < warmUpSlices / 2; nth++) await talk(count);
      });
      const costs: [number[], number[]] = [[], []];
      let messages = 0;
      for (let number = 0; number < slices; number++) {
        // Each begins as often as the other, but for one time.
        for (const which of number % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
          const { us, sent } = await slice(cluster, which, talks[which]!, count);
          costs[which].push(us / sent);
          messages += sent;
        }
      }
      const [withoutUs, withUs] = costs.map(median) as [number, number];
      return {
        value: withUs / withoutUs,
        extra: { withoutUs, withUs, addedUs: withUs - withoutUs },
        checked: messages * (role === 'group' ? members : 1),
      };
    });
}

async function slice(cluster: Cluster, which: 0 | 1, talk: Talk, count: number): Promise<{ us: number; sent: number }> {
  await cluster.begin();
  const sent = await talk(count);
  const { nodes } = await cluster.end();
  return { us: nodes[which]!, sent };
}

function workload(name: string, title: string, role: 'group' | 'stored'): Workload {
  return {
    name,
    title,
    unit: 'µs of server CPU per message, with a backplane / without',
    method:
      'Two processes of the same program, one of which has a backplane on which it is the only node; medians of ' +
      `${slices} slices in turns. Each connection compares every byte with what it has to receive.`,
    // A room of one is for Socket.IO like any other; with names of its own there is nothing to compare.
    servers: role === 'stored' ? ['troupe-redis', 'troupe-nats'] : ['troupe-redis', 'troupe-nats', 'socket.io-redis'],
    // It is a ratio already.
    budgets: role === 'stored' ? { 'troupe-redis': own, 'troupe-nats': own } : {},
    when: 'not in quick',
    measure: measureLocal(role),
  };
}

/** A name that is stored here concerns nobody else. */
const own = { kind: 'self', atMost: 1.05 } as const;

export const localNames = workload(
  'cluster-local-names',
  'push 128 B to each of 1 000 stored connections of the same node',
  'stored',
);

export const localGroup = workload(
  'cluster-local-group',
  'push 128 B to a group of 100 connections, all of them on the same node',
  'group',
);
