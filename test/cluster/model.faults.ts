/** Names and groups are what a model says, whatever fails: random operations while random faults come and go. */
// oxlint-disable-next-line no-restricted-imports -- how long a fault lasts is part of it
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomOf } from '../support/random.ts';
import { compare } from './comparison.ts';
import { Echo } from './echo.ts';
import { engines } from './engines.ts';
import { measured } from './measured.ts';
import { label, Model } from './model.ts';
import { Cluster, type NodeProcess, type Puppet } from './nodes.ts';
import { drawFaults } from './storms.ts';

const seconds = Number(process.env['CLUSTER_SECONDS'] ?? 300);
const seed = Number(process.env['CLUSTER_SEED'] ?? Math.floor(Math.random() * 1e9));

const NODES = 3;
const PUPPETS_PER_NODE = 4;
const NAMES = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
const GROUPS = ['g1', 'g2', 'g3', 'g4', 'g5', 'g6'];
const CALM_OPERATIONS = 60;
const REPAIRED_WITHIN_MS = 25_000;
const LOG_LINES = 2000;

for (const kind of engines) {
  describe.skipIf(kind.isMissing)(`over ${kind.name}, with seed ${seed}`, () => {
    const random = randomOf(seed);
    const draw = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
    const pick = <Item>(items: readonly Item[]): Item => items[draw(0, items.length - 1)]!;
    const model = new Model(NAMES, GROUPS);
    const frozen = new Set<NodeProcess>();
    const log: string[] = [];
    let cluster: Cluster;
    let puppets: Puppet[] = [];
    const echoes: Echo[] = [];
    let connected = 0;

    beforeAll(async () => {
      cluster = await Cluster.start(kind, NODES);
      await Promise.all(cluster.nodes.map((node) => people(node)));
    });
    afterAll(() => cluster?.end());

    function note(text: string): void {
      log.push(`${new Date().toISOString().slice(14)} ${text}`);
      if (log.length > LOG_LINES) log.shift();
    }

    async function enter(node: NodeProcess): Promise<void> {
      const puppet = await node.puppet();
      puppet.label = `p${++connected}@${node.id.slice(0, 4)}`;
      puppets.push(puppet);
    }

    async function people(node: NodeProcess): Promise<void> {
      echoes.push(await Echo.on(node));
      for (let count = PUPPETS_PER_NODE; count > 0; count--) await enter(node);
    }

    function drop(gone: readonly Puppet[]): void {
      puppets = puppets.filter((puppet) => !gone.includes(puppet));
      for (const puppet of gone) model.ended(puppet);
    }

    /** One operation, and what the model makes of its answer. */
    async function operate(): Promise<void> {
      const able = puppets.filter(({ node, isOpen }) => isOpen && !frozen.has(node));
      const puppet = pick(able);
      const [name, group] = [pick(NAMES), pick(GROUPS)];
      const say = async (operation: string, ...args: unknown[]): Promise<string> => {
        const { status } = await puppet.call(operation, ...args);
        note(`${label(puppet)} ${operation} ${args.join(' ')}: ${status}`);
        if (!model.isStorm) expect(['down', 'timeout', 'gone', 'closed']).not.toContain(status);
        return status;
      };
      const kindOf = draw(0, 11);
      if (kindOf <= 3) model.stored(puppet, name, await say('storeConnection', name));
      else if (kindOf === 4) model.nameRemoved(name, await say('removeStoredConnection', name));
      else if (kindOf <= 7) model.added(puppet, group, await say('addConnectionToGroup', group));
      else if (kindOf === 8) model.left(puppet, group, await say('removeConnectionFromGroup', group));
      else if (kindOf === 9) {
        model.groupRemoved(puppet, group, await say('removeConnectionGroup', group));
        // The others have heard of it when they answer: adding is exact afterwards.
        if (!model.isStorm) await puppet.call('cluster.isMember', group, 'nobody');
      } else if (kindOf === 10) {
        note(`${label(puppet)} closes`);
        await puppet.close();
        drop([puppet]);
        // Its node may be killed just now.
        await enter(puppet.node).catch(() => note(`${puppet.node.id} lets nobody in`));
      } else await puppet.call('pushTextToConnection', name, 'in passing');
    }

    /** Resolves when all is as the model says; how many ms that took. */
    async function agreed(withinMs: number): Promise<number> {
      const start = performance.now();
      for (;;) {
        const wrong = await compare(model, puppets);
        const tookMs = performance.now() - start;
        if (wrong.length === 0) return tookMs;
        if (tookMs > withinMs) throw new Error(`Seed ${seed}:\n${wrong.join('\n')}\n\n${log.join('\n')}`);
        await wait(50);
      }
    }

    it(`names and groups are what the model says for ${seconds} s`, { timeout: (seconds + 120) * 1000 }, async () => {
      const end = Date.now() + seconds * 1000;
      const storm = {
        get cluster() {
          return cluster;
        },
        draw,
        async replaced(killed: NodeProcess, by: NodeProcess) {
          drop(puppets.filter(({ node }) => node === killed));
          await people(by);
        },
      };
      const repairs: number[] = [];
      let operations = 0;
      while (Date.now() < end) {
        for (let left = CALM_OPERATIONS; left > 0; left--, operations++) await operate();
        await agreed(2000);
        const faults = drawFaults(storm);
        model.isStorm = true;
        const running = new Set(faults);
        for (const fault of faults) {
          note(`--- ${fault.what}`);
          if (fault.frozen !== undefined) frozen.add(fault.frozen);
        }
        const over = Promise.all(
          faults.map(async (fault) => {
            await fault.run();
            if (fault.frozen !== undefined) frozen.delete(fault.frozen);
            note(`--- over: ${fault.what}`);
            running.delete(fault);
          }),
        );
        for (; running.size > 0; operations++) {
          await operate();
          await wait(5);
        }
        await over;
        for (let left = draw(0, 10); left > 0; left--, operations++) await operate();
        repairs.push(await agreed(REPAIRED_WITHIN_MS));
        note('--- all agree');
      }
      const wrong = (await Promise.all(echoes.map((echo) => echo.stop()))).flat();
      expect(wrong).toEqual([]);
      const sorted = repairs.toSorted((x, y) => x - y);
      measured(kind.name, `model, ${seconds} s, seed ${seed}`, {
        storms: repairs.length,
        operations,
        'repair, median': sorted[Math.floor(sorted.length / 2)]!,
        'repair, longest': sorted.at(-1)!,
        echoes: echoes.reduce((sum, { count }) => sum + count, 0),
      });
    });
  });
}
