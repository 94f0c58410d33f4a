/** Faults that are drawn at random, and how each of them ends. */
// oxlint-disable-next-line no-restricted-imports -- how long a fault lasts is part of it
import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster, NodeProcess } from './nodes.ts';

export interface Fault {
  readonly what: string;
  /** Whether its node answers nobody meanwhile. */
  readonly frozen?: NodeProcess;
  /** Resolves when it is over. */
  run(): Promise<void>;
}

/** A number from `least` to `most`, in steps that a log can show. */
export type Draw = (least: number, most: number) => number;

export interface Storm {
  readonly cluster: Cluster;
  readonly draw: Draw;
  /** A node was killed; another one has come in its place. */
  replaced(killed: NodeProcess, by: NodeProcess): Promise<void>;
}

function engineFault({ cluster: { engine }, draw }: Storm): Fault {
  if (draw(0, 1) === 0) {
    const awayMs = draw(0, 2000);
    return {
      what: `the engine is killed and away for ${awayMs} ms`,
      async run() {
        await engine.kill();
        await wait(awayMs);
        await engine.restart();
      },
    };
  }
  const frozenMs = draw(200, 6000);
  return {
    what: `the engine freezes for ${frozenMs} ms`,
    async run() {
      engine.freeze();
      await wait(frozenMs);
      engine.thaw();
    },
  };
}

function nodeFault(storm: Storm): Fault {
  const { cluster, draw } = storm;
  const node = cluster.nodes[draw(0, cluster.nodes.length - 1)]!;
  const ms = draw(200, 9000);
  switch (draw(0, 3)) {
    case 0:
      return {
        what: `${node.id} freezes for ${ms} ms`,
        frozen: node,
        async run() {
          node.freeze();
          await wait(ms);
          node.thaw();
        },
      };
    case 1:
      return {
        what: `${node.id} is cut off for ${ms} ms`,
        async run() {
          node.proxy.blackhole();
          await wait(ms);
          node.proxy.heal();
          while (!node.isUp && node.isRunning) await wait(10);
          node.proxy.letLateThrough();
        },
      };
    case 2:
      return {
        what: `the connections of ${node.id} are cut`,
        run: async () => node.proxy.cut(),
      };
    default:
      return {
        what: `${node.id} is killed`,
        async run() {
          await node.end();
          cluster.nodes.splice(cluster.nodes.indexOf(node), 1);
          await storm.replaced(node, await cluster.join());
        },
      };
  }
}

/** One fault, or one of the engine and one of a node at the same time. */
export function drawFaults(storm: Storm): readonly Fault[] {
  switch (storm.draw(0, 5)) {
    case 0:
      return [engineFault(storm), nodeFault(storm)];
    case 1:
    case 2:
      return [engineFault(storm)];
    default:
      return [nodeFault(storm)];
  }
}
