/** An engine that ends, comes back or hangs. */
import assert from 'node:assert/strict';
import type { Topic } from '../backplane/contract.ts';
import type { ConformanceCase, ConformanceOptions, EngineOfItsOwn, HangingEngine } from './conformance-case.ts';
import { askEverything, askPush, assertEnded } from './conformance-ends.ts';
import { bytes, fresh, Listener, type Stage, within } from './conformance-node.ts';

async function engineOf(stage: Stage, { own }: ConformanceOptions): Promise<EngineOfItsOwn> {
  assert.ok(own !== undefined);
  return endedWith(stage, own());
}

async function hangingEngineOf(stage: Stage, { hanging }: ConformanceOptions): Promise<HangingEngine> {
  assert.ok(hanging !== undefined);
  return endedWith(stage, hanging());
}

/** Also when it has started only after the time of the case was over. */
async function endedWith<Engine extends { end(): unknown }>(
  stage: Stage,
  starting: Engine | Promise<Engine>,
): Promise<Engine> {
  stage.atEnd(async () => (await starting).end());
  return starting;
}

export const outageCases: readonly ConformanceCase[] = [
  {
    name: 'lost: is told once, for each link, when the engine ends; nothing is taken and all promises settle',
    needs: 'own',
    async run(stage, options) {
      const engine = await engineOf(stage, options);
      const nodes = [await stage.node(undefined, engine.make), await stage.node(undefined, engine.make)];
      const topic: Topic = `g:${fresh('group')}`;
      await Promise.all(nodes.map(({ link }) => link.subscribe([topic])));
      const pending = nodes.flatMap(({ link }): Promise<unknown>[] => [askEverything(link), askPush(link)]);
      await engine.stop();
      for (const { listener, link } of nodes) {
        await listener.until('lost', 1);
        await assertEnded(link);
      }
      await within(2_000, 'what was asked before', Promise.all(pending));
      const refused = (await engine.make()).connect(fresh('node'), new Listener(), new AbortController().signal);
      await within(10_500, 'connect() without an engine', assert.rejects(refused));
      for (const { listener } of nodes) assert.equal(listener.of('lost').length, 1);
    },
  },
  {
    name: 'connect: after the engine was started again makes a new link, which restores names and hears of topics',
    needs: 'own',
    async run(stage, options) {
      const engine = await engineOf(stage, options);
      const first = await stage.node(undefined, engine.make);
      const name = fresh('name');
      const topic: Topic = `g:${fresh('group')}`;
      await first.link.subscribe([topic]);
      const { epoch } = await first.link.claim(name, 'connection');
      await engine.stop();
      await first.listener.until('lost', 1);
      const heard = first.listener.all.length;
      await engine.start();
      const [second, other] = [await stage.node(first.id, engine.make), await stage.node(undefined, engine.make)];
      const [restored] = await second.link.restore([{ name, connectionId: 'connection', epoch }]);
      assert.equal(restored, epoch);
      await second.link.subscribe([topic]);
      assert.equal(other.link.publish(topic, bytes('message')), 'accepted');
      await second.listener.until('message', 1);
      const next = await other.link.claim(name, 'next');
      assert.ok(next.epoch > epoch, 'epochs rise, whatever the engine has forgotten');
      await second.listener.until('nameLost', 1);
      await assertEnded(first.link);
      assert.equal(first.listener.all.length, heard);
    },
  },
  {
    name: 'publish: to an engine that hangs takes a bounded amount, and a beat is not held; disconnecting settles all',
    needs: 'hanging',
    async run(stage, options) {
      const engine = await hangingEngineOf(stage, options);
      const { link, listener } = await stage.node(undefined, engine.make);
      await engine.freeze();
      const topic: Topic = `g:${fresh('group')}`;
      const payload = new Uint8Array(256 * 1_024);
      let taken = 0;
      while (link.publish(topic, payload) === 'accepted') {
        taken += 1;
        assert.ok(taken < 2_048, 'more than 512 MiB wait for an engine that takes nothing');
      }
      const beat = link.beat().catch(() => 'rejected');
      const later = new Promise((resolve) => {
        setTimeout(resolve, 200, 'waiting');
      });
      assert.notEqual(await Promise.race([beat, later]), 'held');
      const pending = Promise.all([askEverything(link), askPush(link)]);
      link.disconnect();
      await within(2_000, 'what was asked before', Promise.all([beat, pending]));
      await assertEnded(link);
      assert.deepEqual(listener.of('message'), []);
    },
  },
  {
    name: 'connect: to an engine that hangs rejects within 10 s, and at once when it is aborted',
    needs: 'hanging',
    async run(stage, options) {
      const engine = await hangingEngineOf(stage, options);
      const backplane = await engine.make();
      await engine.freeze();
      const listener = new Listener();
      const alone = assert.rejects(backplane.connect(fresh('node'), listener, new AbortController().signal));
      const aborting = new AbortController();
      const aborted = assert.rejects(backplane.connect(fresh('node'), listener, aborting.signal));
      setTimeout(() => aborting.abort(), 100);
      await within(2_000, 'an aborted connect()', aborted);
      await within(10_500, 'connect()', alone);
      assert.deepEqual(listener.all, []);
    },
  },
];
