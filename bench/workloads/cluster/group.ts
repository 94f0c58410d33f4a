/** One message to a group whose members sit on two nodes: what a delivery costs both nodes together. */
import { Speech } from '../../cluster/speech.ts';
import { withCluster } from '../../cluster/nodes.ts';
import type { Measure, RunOptions, Sample, ServerName, Workload } from '../../contract.ts';
import { nameOf } from '../../payload.ts';

/** Before any is counted: the code has to be compiled. */
const warmUpDeliveries = 120_000;
const fullDeliveries = 300_000;

interface Shape {
  readonly members: number;
  readonly underWay: number;
}

function measureGroup({ members, underWay }: Shape): Measure {
  return (server: ServerName, { scale }: RunOptions): Promise<Sample> =>
    withCluster([server, server], 'group', async (cluster) => {
      const [speaker, other] = cluster.nodes as [(typeof cluster.nodes)[0], (typeof cluster.nodes)[0]];
      const paths = Array.from({ length: members }, (_, index) => nameOf(index));
      const here = await speaker.open(paths.slice(members / 2));
      const there = await other.open(paths.slice(0, members / 2));
      const speech = new Speech(speaker, [...here, ...there]);
      const round = members * underWay;
      const turns = (deliveries: number): number => Math.max(4, Math.ceil(deliveries / round)) * underWay;
      await cluster.warmUp(() => speech.say(turns(warmUpDeliveries / 2), underWay));
      await cluster.begin();
      const messages = turns(fullDeliveries * scale);
      const checked = await speech.say(messages, underWay);
      const { nodes, engine } = await cluster.end();
      const [speakerUs = 0, otherUs = 0] = nodes;
      return {
        value: (speakerUs + otherUs) / checked,
        extra: {
          speakerUsPerMessage: speakerUs / messages,
          otherUsPerMessage: otherUs / messages,
          ...(engine === undefined ? {} : { engineUsPerMessage: engine / messages }),
        },
        checked,
      };
    });
}

function workload(name: string, title: string, shape: Shape): Workload {
  return {
    name,
    title,
    unit: 'µs of the CPU of both nodes per delivery',
    method:
      'Half of the members on each of two processes; sent on one of them from outside any handler, ' +
      `${shape.underWay === 1 ? 'the next when the last has' : `${shape.underWay} in as many turns of the event loop, the next when they have`} ` +
      'arrived everywhere. Each member compares every byte with what it has to receive. `speaker` is the node that ' +
      'sends, `other` the other one, `engine` Redis or NATS itself, which counts for nobody.',
    servers: ['troupe-redis', 'troupe-nats', 'socket.io-redis', 'socket.io-redis-tuned'],
    baseline: 'socket.io-redis',
    // What was asked for: at least twice as cheap, over the same engine.
    budgets: { 'troupe-redis': { kind: 'ratio', atMost: 0.5 } },
    when: 'not in quick',
    measure: measureGroup(shape),
  };
}

export const group100 = workload('cluster-group-100', 'push 128 B to a group of 100 on two nodes', {
  members: 100,
  underWay: 16,
});

export const group1000 = workload('cluster-group-1000', 'push 128 B to a group of 1 000 on two nodes', {
  members: 1_000,
  underWay: 16,
});

export const group1000Lone = workload(
  'cluster-group-lone',
  'push 128 B to a group of 1 000 on two nodes, one at a time',
  { members: 1_000, underWay: 1 },
);
