/** A server that broadcasts at a fixed rate, in a process of its own. */
import type { Duplex } from 'node:stream';
import { createCrowd, type CrowdName } from '../crowd/crowd.ts';
import { listenFor } from '../crowd/listen.ts';
import { everyTick } from '../crowd/pace.ts';
import { answerCalls } from '../crowd/process.ts';
import { broadcastOf, nowUs, surplusOf } from './broadcasts.ts';

export interface BroadcastOrder {
  readonly broadcasts: number;
  readonly perSecond: number;
}

/** Whom a surplus is sent to, and whose buffer is looked at. */
export interface Watched {
  readonly path: string;
  readonly name: string;
}

const [server = 'ws'] = process.argv.slice(2) as CrowdName[];
const crowd = createCrowd(server);
let watched: Watched | undefined;
let socket: Duplex | undefined;

const commands = {
  /** Returns the port. */
  listen(watch: Watched): Promise<number> {
    watched = watch;
    return listenFor(crowd, (path, stream) => {
      if (path === watch.path) socket = stream;
    });
  },

  /** Broadcasts, and returns the most bytes that this process held for the watched connection at any time. */
  async broadcast({ broadcasts, perSecond }: BroadcastOrder): Promise<number> {
    let most = 0;
    await everyTick(perSecond, broadcasts, async (number) => {
      crowd.broadcast(broadcastOf(number, nowUs()));
      if (watched !== undefined) crowd.push(watched.name, surplusOf(number));
      await new Promise(setImmediate);
      most = Math.max(most, socket?.writableLength ?? 0);
    });
    return most;
  },
};

export type StalledCommands = typeof commands;

answerCalls(commands);
