/** A server under moderate load for a long time, in a process of its own. */
import { createCrowd, type CrowdName } from '../crowd/crowd.ts';
import { usedMemory, type Used } from '../crowd/heap.ts';
import { listenFor } from '../crowd/listen.ts';
import { everyTick } from '../crowd/pace.ts';
import { answerCalls } from '../crowd/process.ts';
import { groupOf, textOf } from '../crowd/texts.ts';

export interface SoakOrder {
  readonly seconds: number;
  readonly groups: number;
  readonly groupPushesPerSecond: number;
}

/** What was sent, so that clients can tell whether all of it came. */
export interface Soaked {
  readonly broadcasts: number;
  /** Pushes to each of the groups. */
  readonly laps: number;
  readonly cpuUs: number;
}

const [server = 'ws'] = process.argv.slice(2) as CrowdName[];
const crowd = createCrowd(server);

const commands = {
  /** Returns the port. */
  listen: () => listenFor(crowd),

  used: (): Promise<Used> => usedMemory(),

  /** One broadcast a second, and pushes to all groups in turn, a whole number of times. */
  async soak({ seconds, groups, groupPushesPerSecond }: SoakOrder): Promise<Soaked> {
    const begun = process.cpuUsage();
    const laps = Math.ceil((seconds * groupPushesPerSecond) / groups);
    let broadcasts = 0;
    await everyTick(groupPushesPerSecond, laps * groups, async (number) => {
      crowd.pushToGroup(groupOf(number % groups), textOf('group', Math.floor(number / groups)));
      if (number % groupPushesPerSecond === 0) crowd.broadcast(textOf('broadcast', broadcasts++));
    });
    const { user, system } = process.cpuUsage(begun);
    return { broadcasts, laps, cpuUs: user + system };
  },
};

export type SoakCommands = typeof commands;

answerCalls(commands);
