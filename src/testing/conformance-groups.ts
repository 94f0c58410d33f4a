/** Removals of groups: who is told, in which order, and what is remembered of them. */
import assert from 'node:assert/strict';
import type { Topic } from '../backplane/contract.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { bytes, type ConformanceNode, fresh, longestNames, oddNames, quiet } from './conformance-node.ts';

export const groupCases: readonly ConformanceCase[] = [
  {
    name: 'removeGroup: tells all others that subscribe, and nobody else',
    async run(stage) {
      const [removing, one, two, apart] = (await stage.nodes(4)) as [
        ConformanceNode,
        ConformanceNode,
        ConformanceNode,
        ConformanceNode,
      ];
      const group = fresh('group');
      await Promise.all([removing, one, two].map(({ link }) => link.subscribe([`g:${group}`])));
      await apart.link.subscribe([`s:${group}`, `g:${group}s`]);
      const generation = await removing.link.removeGroup(group, false);
      assert.ok(Number.isSafeInteger(generation) && generation > 0, `a generation is a whole number: ${generation}`);
      await Promise.all([one, two].map(({ listener }) => listener.until('groupRemoved', 1)));
      await quiet(removing, one, two, apart);
      for (const { listener } of [one, two]) {
        const removal = { generation, retired: false };
        assert.deepEqual(listener.all, [{ type: 'groupRemoved', group, removal }]);
      }
      for (const { listener } of [removing, apart]) assert.deepEqual(listener.all, []);
    },
  },
  {
    name: 'removeGroup: is told in the order of what the node publishes to the group',
    async run(stage) {
      const [saying, hearing] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const group = fresh('group');
      const topic: Topic = `g:${group}`;
      await hearing.link.subscribe([topic]);
      const expected: string[] = [];
      const generations: number[] = [];
      for (let round = 0; round < 20; round++) {
        for (let message = 0; message < 3; message++) {
          assert.equal(saying.link.publish(topic, bytes(round)), 'accepted');
          expected.push('message');
        }
        // What is published before the call comes before it, and what is published once it has resolved comes after.
        generations.push(await saying.link.removeGroup(group, false));
        expected.push('groupRemoved');
      }
      await hearing.listener.until('message', 60);
      const told = await hearing.listener.until('groupRemoved', 20);
      assert.deepEqual(hearing.listener.summary(), expected);
      assert.deepEqual(
        told.map(({ removal }) => removal.generation),
        generations,
      );
    },
  },
  {
    name: 'generations: rise with each removal, and are remembered in the order asked for',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const [removed, never, retired] = ['removed', 'never', 'retired'].map(fresh) as [string, string, string];
      assert.deepEqual(await other.link.generations([never]), [{ generation: 0, retired: false }]);
      let latest = 0;
      for (let round = 0; round < 6; round++) {
        const generation = await (round % 2 === 0 ? one : other).link.removeGroup(removed, false);
        assert.ok(generation > latest, `${generation} is greater than ${latest}`);
        latest = generation;
      }
      const last = await one.link.removeGroup(retired, true);
      assert.deepEqual(await other.link.generations([retired, never, removed]), [
        { generation: last, retired: true },
        { generation: 0, retired: false },
        { generation: latest, retired: false },
      ]);
      assert.deepEqual(await other.link.generations([]), []);
    },
  },
  {
    name: 'removeGroup: what is retired stays so, and others are told',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const group = fresh('group');
      await other.link.subscribe([`g:${group}`]);
      const first = await one.link.removeGroup(group, true);
      const second = await one.link.removeGroup(group, false);
      const told = await other.listener.until('groupRemoved', 2);
      assert.deepEqual(told[0]?.removal, { generation: first, retired: true });
      assert.equal(told[1]?.removal.generation, second);
      assert.deepEqual(await other.link.generations([group]), [{ generation: second, retired: true }]);
    },
  },
  {
    name: 'removeGroup: at once from several nodes gives each a generation of its own, and the greatest is remembered',
    async run(stage) {
      const nodes = await stage.nodes(3);
      const group = fresh('group');
      const generations = await Promise.all(
        Array.from({ length: 30 }, async (_, index) =>
          (nodes[index % nodes.length] as ConformanceNode).link.removeGroup(group, false),
        ),
      );
      assert.equal(new Set(generations).size, generations.length);
      const [remembered] = await (nodes[0] as ConformanceNode).link.generations([group]);
      assert.deepEqual(remembered, { generation: Math.max(...generations), retired: false });
    },
  },
  {
    name: 'groups: any characters, up to 512 bytes, 500 asked for at once',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const groups = [...oddNames(), ...longestNames()];
      await other.link.subscribe(groups.map((group): Topic => `g:${group}`));
      const removed = await Promise.all(groups.map(async (group) => one.link.removeGroup(group, false)));
      const never = Array.from({ length: 500 - groups.length }, () => fresh('never'));
      const answers = await other.link.generations([...groups, ...never]);
      assert.deepEqual(answers, [
        ...removed.map((generation) => ({ generation, retired: false })),
        ...never.map(() => ({ generation: 0, retired: false })),
      ]);
      const told = await other.listener.until('groupRemoved', groups.length);
      assert.deepEqual(new Set(told.map(({ group }) => group)), new Set(groups));
    },
  },
];
