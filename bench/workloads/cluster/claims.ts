/** What a name costs that has to be unique among all nodes. */
import { withCluster } from '../../cluster/nodes.ts';
import { Calls } from '../../cluster/speech.ts';
import type { RunOptions, Sample, ServerName, Workload } from '../../contract.ts';
import { within } from '../../deadline.ts';
import { nameOf } from '../../payload.ts';

const names = 1_000;
const parallel = 50;
const warmUpRounds = 4;
const countedRounds = 16;
const patienceMs = 60_000;

export const claims: Workload = {
  name: 'cluster-claims',
  title: 'storing a connection under a name that one of another node has',
  unit: 'µs of the CPU of both nodes per claim',
  method:
    `${names} names, ${parallel} claims at a time, by each of two nodes in turn: the other one loses all of its names and ` +
    'is told of each, once. `claimUs` is the node that claims, `loseUs` the one that loses. In the end a text is pushed ' +
    'to each name from the node that has lost it, and has to arrive once, where the name is now.',
  servers: ['troupe-redis', 'troupe-nats'],
  baseline: 'troupe-redis',
  budgets: {},
  when: 'not in quick',

  measure: (server: ServerName, { scale }: RunOptions): Promise<Sample> =>
    withCluster([server, server], 'claims', async (cluster) => {
      const paths = Array.from({ length: names }, (_, index) => nameOf(index));
      const [one, other] = cluster.nodes as [(typeof cluster.nodes)[0], (typeof cluster.nodes)[0]];
      const calls = [new Calls(other, await one.open(paths)), new Calls(one, await other.open(paths))] as const;
      const lost = [0, 0];
      const claim = async (round: number): Promise<void> => {
        const [winner, loser] = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
        if (round > 0) lost[loser]! += names;
        const told = cluster.nodes[loser]!.process.ask('replaced', lost[loser]);
        await within(
          patienceMs,
          'all claims',
          Promise.all([cluster.nodes[winner]!.process.ask('claim', parallel), told]),
        );
      };
      let round = 0;
      await cluster.warmUp(async () => {
        for (let nth = 0; nth < warmUpRounds / 2; nth++) await claim(round++);
      });
      const last = round + Math.max(2, 2 * Math.round((countedRounds * scale) / 2));
      const spent = { claimUs: 0, loseUs: 0, engineUs: 0, wallMs: 0 };
      const counted = (last - round) * names;
      while (round < last) {
        await cluster.begin();
        await claim(round);
        const { nodes, engine, wallMs } = await cluster.end();
        const winner = round % 2;
        spent.claimUs += nodes[winner]!;
        spent.loseUs += nodes[1 - winner]!;
        spent.engineUs += engine ?? Number.NaN;
        spent.wallMs += wallMs;
        round++;
      }
      // The last to claim was the second node: it has all of them.
      const pushed = await calls[1].call(2);
      const { wallMs, engineUs, ...both } = spent;
      return {
        value: (both.claimUs + both.loseUs) / counted,
        extra: {
          claimUs: both.claimUs / counted,
          loseUs: both.loseUs / counted,
          ...(Number.isNaN(engineUs) ? {} : { engineUs: engineUs / counted }),
          claimsPerSecond: (counted * 1_000) / wallMs,
        },
        checked: counted + pushed,
      };
    }),
};
