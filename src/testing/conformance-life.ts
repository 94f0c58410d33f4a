/** The life of a link: connecting, beating, leaving, ending; and what must not outlive it. */
import assert from 'node:assert/strict';
import type { Topic } from '../backplane/contract.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { askEverything, askPush, assertEnded } from './conformance-ends.ts';
import { bytes, type ConformanceNode, fresh, Listener, ownerOf, quiet, within } from './conformance-node.ts';

export const lifeCases: readonly ConformanceCase[] = [
  {
    name: 'nodes: are all that have a lease, this one included; beats hold it',
    async run(stage) {
      const nodes = await stage.nodes(3);
      for (const { link } of nodes) {
        const ids = await link.nodes();
        for (const { id } of nodes)
          assert.equal(ids.filter((one) => one === id).length, 1, `${id} is one of ${ids.join(', ')}`);
        assert.equal(await link.beat(), 'held');
      }
    },
  },
  {
    name: 'leave: gives up the lease and all names, and nothing is heard any more',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const names = Array.from({ length: 20 }, () => fresh('name'));
      const topic: Topic = `g:${fresh('group')}`;
      await Promise.all(names.map(async (name) => one.link.claim(name, 'connection')));
      await Promise.all([one, other].map(({ link }) => link.subscribe([topic])));
      const replaced = fresh('replaced');
      await one.link.claim(replaced, 'connection');
      await other.link.claim(replaced, 'connection');
      await one.listener.until('nameLost', 1);
      await one.link.leave();
      assert.equal(await ownerOf(replaced, other, [other]), `${other.id} connection`);
      for (const name of names) assert.equal(await other.link.push(name, bytes('message')), 'unknown');
      assert.ok(!(await other.link.nodes()).includes(one.id));
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      await other.link.beat();
      await assertEnded(one.link);
      assert.deepEqual(one.listener.summary(), ['nameLost']);
      assert.equal((await other.link.claim(names[0] as string, 'next')).previous, undefined);
    },
  },
  {
    name: 'disconnect: ends the link in silence, and what was asked settles',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      const topic: Topic = `g:${fresh('group')}`;
      await one.link.subscribe([topic]);
      await one.link.claim(name, 'connection');
      const [pending, pushed] = [askEverything(one.link), askPush(one.link)];
      one.link.disconnect();
      one.link.disconnect();
      await within(2_000, 'what was asked before', Promise.all([pending, pushed]));
      const before = one.listener.summary();
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      await other.link.claim(name, 'next');
      await other.link.beat();
      await assertEnded(one.link);
      assert.deepEqual(one.listener.summary(), before);
      assert.deepEqual(one.listener.of('lost'), []);
    },
  },
  {
    name: 'connect: rejects when it is aborted, before or meanwhile, and holds nothing',
    async run(stage) {
      const other = await stage.node();
      const backplane = await stage.backplane();
      const [before, meanwhile] = [fresh('node'), fresh('node')];
      const listener = new Listener();
      await assert.rejects(backplane.connect(before, listener, AbortSignal.abort()));
      const aborting = new AbortController();
      const connecting = backplane.connect(meanwhile, listener, aborting.signal);
      aborting.abort();
      await within(2_000, 'an aborted connect()', assert.rejects(connecting));
      assert.ok(!(await other.link.nodes()).includes(before));
      assert.deepEqual(listener.all, []);
      // The next attempt is not harmed.
      const again = await stage.node(meanwhile);
      assert.equal(await again.link.beat(), 'held');
      assert.deepEqual(listener.all, []);
    },
  },
  {
    name: 'connect: again with the same id, nothing of the link before reaches the next',
    async run(stage) {
      const other = await stage.node();
      const id = fresh('node');
      const first = await stage.node(id);
      const [topic, marker]: [Topic, Topic] = [`g:${fresh('group')}`, `g:${fresh('marker')}`];
      await first.link.subscribe([topic]);
      first.link.disconnect();
      const second = await stage.node(id);
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      await second.link.subscribe([marker]);
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      assert.equal(other.link.publish(marker, bytes('marker')), 'accepted');
      await second.listener.until('message', 1);
      await quiet(other, second);
      assert.deepEqual(
        second.listener.of('message').map((heard) => heard.topic),
        [marker],
      );
      assert.equal(second.listener.all.length, 1);
      assert.deepEqual(first.listener.all, []);
      // What the link before did not give up is still the node's, or can be restored.
      await second.link.subscribe([topic]);
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      await second.listener.until('message', 2);
    },
  },
  {
    name: 'names: are still owned through the next link of the same node',
    async run(stage) {
      const other = await stage.node();
      const id = fresh('node');
      const first = await stage.node(id);
      const name = fresh('name');
      const { epoch } = await first.link.claim(name, 'connection');
      first.link.disconnect();
      const second = await stage.node(id);
      assert.deepEqual(await second.link.restore([{ name, connectionId: 'connection', epoch }]), [epoch]);
      const outcome = await other.link.push(name, bytes('message'));
      assert.ok(outcome === 'delivered' || outcome === 'accepted', outcome);
      await second.listener.until('direct', 1);
      const next = await other.link.claim(name, 'next');
      assert.ok(next.epoch > epoch);
      const [loss] = await second.listener.until('nameLost', 1);
      assert.deepEqual(loss, { type: 'nameLost', name, connectionId: 'connection', epoch, why: 'replaced' });
      assert.deepEqual(first.listener.all, []);
    },
  },
  {
    name: 'beat: of a node whose lease lapsed says so once; its names are unknown until it restores them',
    needs: 'lapse',
    async run(stage, { lapse }) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const [kept, taken] = [fresh('kept'), fresh('taken')];
      const keptClaim = await one.link.claim(kept, 'connection');
      const takenClaim = await one.link.claim(taken, 'connection');
      const replaced = fresh('replaced');
      await one.link.claim(replaced, 'connection');
      await other.link.claim(replaced, 'connection');
      one.silence();
      await one.link.beat();
      await lapse?.(one.id);
      // Whoever beats sweeps the engine.
      await other.link.beat();
      assert.ok(!(await other.link.nodes()).includes(one.id));
      assert.equal(await other.link.push(kept, bytes('message')), 'unknown');
      assert.equal(await ownerOf(replaced, other, [other]), `${other.id} connection`);
      const next = await other.link.claim(taken, 'next');
      assert.ok(next.epoch > takenClaim.epoch);
      assert.equal(await one.link.beat(), 'lapsed');
      assert.equal(await one.link.beat(), 'held');
      assert.ok((await other.link.nodes()).includes(one.id));
      const restored = await one.link.restore([
        { name: kept, connectionId: 'connection', epoch: keptClaim.epoch },
        { name: taken, connectionId: 'connection', epoch: takenClaim.epoch },
      ]);
      assert.deepEqual(restored, [keptClaim.epoch, 'fenced']);
      const outcome = await other.link.push(kept, bytes('message'));
      assert.ok(outcome === 'delivered' || outcome === 'accepted', outcome);
    },
  },
  {
    name: 'names: of a node that has gone without a word are unknown once its lease has lapsed',
    needs: 'lapse',
    async run(stage, { lapse }) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const names = Array.from({ length: 20 }, () => fresh('name'));
      await Promise.all(names.map(async (name) => one.link.claim(name, 'connection')));
      one.link.disconnect();
      await lapse?.(one.id);
      await other.link.beat();
      for (const name of names) assert.equal(await other.link.push(name, bytes('message')), 'unknown');
      assert.equal((await other.link.claim(names[0] as string, 'next')).previous, undefined);
      assert.ok(!(await other.link.nodes()).includes(one.id));
    },
  },
];
