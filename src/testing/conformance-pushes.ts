/** Pushes to the owner of a name, and what they answer. */
import assert from 'node:assert/strict';
import type { DirectOutcome, PushOutcome } from '../backplane/contract.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { bytes, type ConformanceNode, eventually, fresh, quiet, text } from './conformance-node.ts';

export const pushCases: readonly ConformanceCase[] = [
  {
    name: 'push: reaches the connection that owns the name, on another node or on this one',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      await one.link.claim(name, 'connection');
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const from of [other, one]) {
        const outcome = await from.link.push(name, every);
        assert.ok(outcome === 'delivered' || outcome === 'accepted', outcome);
      }
      const heard = await one.listener.until('direct', 2);
      for (const direct of heard) {
        assert.deepEqual([direct.name, direct.connectionId], [name, 'connection']);
        assert.equal(Buffer.compare(direct.payload, every), 0);
      }
      assert.deepEqual(other.listener.all, []);
    },
  },
  {
    name: 'push: answers what became of it at the owner',
    async run(stage, { confirms = true }) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      await one.link.claim(name, 'connection');
      const outcomes = ['delivered', 'accepted', 'congested', 'closed'] as const satisfies DirectOutcome[];
      for (const outcome of outcomes) {
        one.listener.answer = outcome;
        for (const from of [other, one]) {
          const answer = await from.link.push(name, bytes(outcome));
          assert.ok(answer === outcome || (!confirms && answer === 'accepted'), `${answer} for ${outcome}`);
        }
      }
      one.listener.answer = 'moved';
      for (const from of [other, one]) {
        const answer = await from.link.push(name, bytes('moved'));
        assert.ok(answer === 'unknown' || (!confirms && answer === 'accepted'), `${answer} for moved`);
      }
    },
  },
  {
    name: 'push: is unknown where nobody owns the name, or nobody does any more',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      assert.equal(await other.link.push(name, bytes('never')), 'unknown');
      await one.link.claim(name, 'connection');
      await one.link.release(name, 'connection');
      assert.equal(await other.link.push(name, bytes('released')), 'unknown');
      await one.link.claim(name, 'connection');
      await one.link.remove(name);
      assert.equal(await other.link.push(name, bytes('removed')), 'unknown');
      await quiet(other, one);
      assert.deepEqual(one.listener.of('direct'), []);
    },
  },
  {
    name: 'push: goes to the new owner once the claim has resolved',
    async run(stage) {
      const [one, other, asking] = (await stage.nodes(3)) as [ConformanceNode, ConformanceNode, ConformanceNode];
      const name = fresh('name');
      for (let round = 0; round < 20; round++) {
        const [owner, before] = round % 2 === 0 ? [one, other] : [other, one];
        before.listener.answer = 'moved';
        owner.listener.answer = 'delivered';
        await owner.link.claim(name, `connection-${round}`);
        const outcome = await asking.link.push(name, bytes(round));
        assert.ok(outcome === 'delivered' || outcome === 'accepted', outcome);
        const heard = await owner.listener.until('direct', Math.floor(round / 2) + 1);
        assert.equal(text(heard.at(-1)?.payload ?? bytes('')), String(round));
      }
    },
  },
  {
    name: 'push: what one node pushes to one name arrives in that order and once',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      await one.link.claim(name, 'connection');
      const sent = Array.from({ length: 200 }, (_, index) => String(index));
      for (const from of [other, one]) {
        const before = one.listener.of('direct').length;
        await Promise.all(sent.map(async (payload) => from.link.push(name, bytes(payload))));
        const heard = await one.listener.until('direct', before + sent.length);
        await quiet(other, one);
        assert.deepEqual(
          heard.slice(before).map(({ payload }) => text(payload)),
          sent,
        );
        assert.equal(one.listener.of('direct').length, before + sent.length);
      }
    },
  },
  {
    name: 'push: keeps its order while the name goes to another node',
    async run(stage) {
      const [from, one, other] = (await stage.nodes(3)) as [ConformanceNode, ConformanceNode, ConformanceNode];
      for (let round = 1; round <= 5; round++) {
        const name = fresh('name');
        await one.link.claim(name, 'connection');
        one.listener.answer = 'delivered';
        const lost = one.listener.until('nameLost', round).then(() => (one.listener.answer = 'moved'));
        const underWay: Promise<unknown>[] = [lost];
        for (let index = 0; index < 150; index++) {
          underWay.push(from.link.push(name, bytes(index)));
          if (index === 50) underWay.push(other.link.claim(name, 'next'));
          // So that some are answered while others are pushed.
          if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(underWay);
        await quiet(from, other);
        const directs = other.listener.of('direct').filter((direct) => direct.name === name);
        const heard = directs.map(({ payload }) => Number(text(payload)));
        const inOrder = [...new Set(heard)].toSorted((before, after) => before - after);
        assert.deepEqual(heard, inOrder, 'in order and once');
      }
    },
  },
  {
    name: 'push: is unreachable where the owner has gone without a word',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      await one.link.claim(name, 'connection');
      one.link.disconnect();
      // An engine notices the end of a connection a little later.
      const early: PushOutcome[] = ['accepted', 'timeout'];
      const outcome = await eventually(
        async () => other.link.push(name, bytes('message')),
        (answer) => !early.includes(answer),
      );
      assert.equal(outcome, 'unreachable');
      const { previous } = await other.link.claim(name, 'next');
      assert.deepEqual(previous, { nodeId: one.id, connectionId: 'connection' }, 'the name is kept with the lease');
      assert.deepEqual(one.listener.of('direct'), []);
    },
  },
];
