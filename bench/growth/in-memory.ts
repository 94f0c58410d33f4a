/** The growth of a crowd whose clients are in the server's process: as many connections as memory holds. */
import { collectGarbage } from '../crowd/heap.ts';
import { createCrowd, type CrowdName } from '../crowd/crowd.ts';
import { Population } from '../crowd/population.ts';
import { pushAll } from '../crowd/pushes.ts';
import { memoryConnect } from '../memory/connect.ts';
import { measureGrowth, type GrowthPlan, type GrowthRun, type Subject } from './measure.ts';

export async function growInMemory(server: CrowdName, plan: GrowthPlan): Promise<GrowthRun> {
  const crowd = createCrowd(server);
  const population = new Population(memoryConnect((...upgrade) => crowd.handleUpgrade(...upgrade)));
  let begun = process.cpuUsage();
  const subject: Subject = {
    open: (from, to) => population.open(from, to),
    close: (from, to) => population.close(from, to),
    echo: (speakers, messages) => population.echo(speakers, messages),
    expect: async (order) => population.expect(order),
    push: (order) => pushAll(crowd, order),
    settled: () => population.settled(),
    tidy: collectGarbage,
    begin: async () => {
      begun = process.cpuUsage();
    },
    end: async () => {
      const { user, system } = process.cpuUsage(begun);
      return user + system;
    },
  };
  return { grown: await measureGrowth(subject, plan), checked: population.checked };
}
