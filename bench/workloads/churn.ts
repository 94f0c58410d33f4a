/** Is anything left of connections that are gone? */
import type { RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import type { CrowdName } from '../crowd/crowd.ts';
import { Population } from '../crowd/population.ts';
import { socketConnect } from '../crowd/sockets.ts';
import { startCrowd } from '../crowd/start.ts';
import { inParallel } from '../generator/connections.ts';

const CONNECTIONS = 200_000;
const CONNECTIONS_IN_SHORT = 5_000;
/** After these the code is compiled and what is kept for ever, pools for example, is there. */
const WARM_UP = 5_000;
const AT_ONCE = 50;
/** So many names and a tenth as many groups come again and again, as emptied groups are remembered on purpose. */
const NAMES = 2_000;
/** Every fourth client breaks off instead of closing. */
const ABORTING = 4;

const KiB = 1_024;

export const churn: Workload = {
  name: 'churn',
  title: `heap after ${CONNECTIONS} connections that came and went / before`,
  unit: 'heap in use when no connection is left, after / before',
  method:
    'One round. Fifty at a time connect, have a message answered and close, every fourth without a close frame; ' +
    'before, 5 000 did so uncounted. The heap is looked at after garbage collection. 5 000 in a quick run.',
  servers: ['ws', 'troupe-handlers', 'troupe-machine'],
  budgets: { 'troupe-handlers': { kind: 'self', atMost: 1.05 }, 'troupe-machine': { kind: 'self', atMost: 1.05 } },
  atMostRounds: 1,

  async measure(server: ServerName, { scale, onProgress }: RunOptions): Promise<Sample> {
    const connections = scale < 1 ? CONNECTIONS_IN_SHORT : CONNECTIONS;
    const child = startCrowd(server as CrowdName);
    try {
      const population = new Population(socketConnect(await child.ask('listen')));
      const pass = async (count: number): Promise<void> => {
        await inParallel(count, AT_ONCE, (nth) =>
          population.visit(nth % NAMES, nth % ABORTING === 0 ? 'abort' : 'close'),
        );
        await population.settled();
      };
      await pass(WARM_UP);
      const before = await child.ask('usedWhenEmpty');
      await child.ask('begin');
      await pass(connections);
      const cpuUs = await child.ask('end');
      const after = await child.ask('usedWhenEmpty');
      onProgress(`churn: ${server}, ${connections} connections`);
      return {
        value: after.heap / before.heap,
        extra: {
          connections,
          heapBeforeKiB: before.heap / KiB,
          heapAfterKiB: after.heap / KiB,
          buffersBeforeKiB: before.buffers / KiB,
          buffersAfterKiB: after.buffers / KiB,
          rssBeforeKiB: before.resident / KiB,
          rssAfterKiB: after.resident / KiB,
          visitUs: cpuUs / connections,
        },
        checked: population.checked,
      };
    } finally {
      await child.stop();
    }
  },
};
