/** A crowd's server in a process of its own. */
import { growInMemory } from '../growth/in-memory.ts';
import type { GrowthPlan } from '../growth/measure.ts';
import { createCrowd, type CrowdName } from './crowd.ts';
import { collectGarbage, usedMemory, type Used } from './heap.ts';
import { listenFor } from './listen.ts';
import { answerCalls } from './process.ts';
import { pushAll, type PushOrder } from './pushes.ts';

const [server = 'ws'] = process.argv.slice(2) as CrowdName[];
let begun = process.cpuUsage();
const crowd = createCrowd(server);

const commands = {
  /** Returns the port. */
  listen: () => listenFor(crowd),

  tidy: collectGarbage,

  begin(): void {
    begun = process.cpuUsage();
  },

  /** CPU time since `begin`, in µs. */
  end(): number {
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  },

  push: (order: PushOrder) => pushAll(crowd, order),

  growInMemory: (plan: GrowthPlan) => growInMemory(server, plan),

  /** What is in use when no connection is left. */
  async usedWhenEmpty(): Promise<Used> {
    while (!crowd.isEmpty) await new Promise(setImmediate);
    return usedMemory();
  },
};

export type CrowdCommands = typeof commands;

answerCalls(commands);
