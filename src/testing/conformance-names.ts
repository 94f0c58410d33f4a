/** Who owns a name: claims, releases, removals, and what is restored after a gap. */
import assert from 'node:assert/strict';
import type { ConformanceCase } from './conformance-case.ts';
import { bytes, type ConformanceNode, fresh, longestNames, oddNames, ownerOf, quiet } from './conformance-node.ts';

function losses({ listener }: ConformanceNode): object[] {
  return listener.of('nameLost').map(({ type: _, ...loss }) => loss);
}

export const nameCases: readonly ConformanceCase[] = [
  {
    name: 'claim: the latest owns the name; the node before is told with its epoch',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      const first = await one.link.claim(name, 'first');
      assert.ok(Number.isSafeInteger(first.epoch) && first.epoch > 0, `an epoch is a whole number: ${first.epoch}`);
      assert.equal(first.previous, undefined);
      const second = await other.link.claim(name, 'second');
      assert.deepEqual(second.previous, { nodeId: one.id, connectionId: 'first' });
      assert.ok(second.epoch > first.epoch);
      await one.listener.until('nameLost', 1);
      await quiet(one, other);
      assert.deepEqual(losses(one), [{ name, connectionId: 'first', epoch: first.epoch, why: 'replaced' }]);
      assert.deepEqual(losses(other), []);
      assert.equal(await ownerOf(name, one, [one, other]), `${other.id} second`);
    },
  },
  {
    name: 'claim: by another connection of the same node names the one before, with a greater epoch',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      const first = await one.link.claim(name, 'first');
      const second = await one.link.claim(name, 'second');
      assert.deepEqual(second.previous, { nodeId: one.id, connectionId: 'first' });
      assert.ok(second.epoch > first.epoch);
      assert.equal(await ownerOf(name, other, [one, other]), `${one.id} second`);
      assert.equal(await one.link.release(name, 'first'), false);
      assert.equal(await one.link.release(name, 'second'), true);
    },
  },
  {
    name: 'claim: epochs rise, also across releases and removals',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      let latest = 0;
      for (let round = 0; round < 10; round++) {
        const node = round % 3 === 0 ? other : one;
        const { epoch, previous } = await node.link.claim(name, `connection-${round}`);
        assert.equal(previous, undefined);
        assert.ok(epoch > latest, `${epoch} is greater than ${latest}`);
        latest = epoch;
        if (round % 2 === 0) assert.equal(await node.link.release(name, `connection-${round}`), true);
        else assert.equal(await other.link.remove(name), true);
      }
    },
  },
  {
    name: 'release: takes the name away from nobody but that connection of this node',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      assert.equal(await one.link.release(name, 'first'), false);
      await one.link.claim(name, 'first');
      assert.equal(await one.link.release(name, 'second'), false, 'another connection does not own it');
      assert.equal(await other.link.release(name, 'first'), false, 'another node does not own it');
      assert.equal(await ownerOf(name, other, [one, other]), `${one.id} first`);
      assert.equal(await one.link.release(name, 'first'), true);
      assert.equal(await one.link.release(name, 'first'), false);
      assert.equal(await one.link.push(name, bytes('message')), 'unknown');
    },
  },
  {
    name: 'release: that comes after the name was replaced is refused, and the new owner keeps it',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      for (let round = 0; round < 10; round++) {
        const name = fresh('name');
        // The connection ids are the same: nodes need not know each other's.
        await one.link.claim(name, 'connection');
        await other.link.claim(name, 'connection');
        assert.equal(await one.link.release(name, 'connection'), false);
        assert.equal(await ownerOf(name, one, [one, other]), `${other.id} connection`);
      }
    },
  },
  {
    name: 'remove: tells the owner, whichever node asks, and says whether there was one',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      assert.equal(await other.link.remove(name), false);
      const first = await one.link.claim(name, 'first');
      assert.equal(await other.link.remove(name), true);
      await one.listener.until('nameLost', 1);
      assert.equal(await other.link.remove(name), false);
      assert.equal(await other.link.push(name, bytes('message')), 'unknown');
      const second = await one.link.claim(name, 'second');
      assert.equal(second.previous, undefined);
      assert.equal(await one.link.remove(name), true);
      await one.listener.until('nameLost', 2);
      await quiet(one, other);
      assert.deepEqual(losses(one), [
        { name, connectionId: 'first', epoch: first.epoch, why: 'removed' },
        { name, connectionId: 'second', epoch: second.epoch, why: 'removed' },
      ]);
      assert.deepEqual(losses(other), []);
    },
  },
  {
    name: 'restore: takes what nobody owns, what it owns and what is owned with a lesser epoch; else it is fenced',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const [absent, mine, lesser, equal, greater] = ['absent', 'mine', 'lesser', 'equal', 'greater'].map(fresh) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const own = await one.link.claim(mine, 'connection');
      const older = await other.link.claim(lesser, 'older');
      const same = await other.link.claim(equal, 'newer');
      const newer = await other.link.claim(greater, 'newer');
      const answers = await one.link.restore([
        { name: greater, connectionId: 'connection', epoch: newer.epoch - 1 },
        { name: absent, connectionId: 'connection', epoch: 1_000 },
        { name: mine, connectionId: 'connection', epoch: own.epoch },
        { name: lesser, connectionId: 'connection', epoch: older.epoch + 1 },
        { name: equal, connectionId: 'connection', epoch: same.epoch },
      ]);
      assert.equal(answers.length, 5);
      assert.deepEqual([answers[0], answers[2], answers[4]], ['fenced', own.epoch, 'fenced']);
      assert.ok((answers[1] as number) >= 1_000);
      assert.ok((answers[3] as number) > older.epoch);
      await other.listener.until('nameLost', 1);
      await quiet(one, other);
      assert.deepEqual(losses(other), [{ name: lesser, connectionId: 'older', epoch: older.epoch, why: 'replaced' }]);
      assert.deepEqual(losses(one), []);
      for (const name of [absent, mine, lesser]) {
        assert.equal(await ownerOf(name, other, [one, other]), `${one.id} connection`);
      }
      for (const name of [equal, greater]) assert.equal(await ownerOf(name, one, [one, other]), `${other.id} newer`);
      const next = await other.link.claim(lesser, 'next');
      assert.ok(next.epoch > (answers[3] as number), 'a claim follows the restored epoch');
    },
  },
  {
    name: 'claim: after an epoch that is ahead of the time gives a greater one',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      // As an engine has it whose clock was put back.
      const ahead = (Date.now() + 86_400_000) * 1_000;
      const [restored] = await one.link.restore([{ name, connectionId: 'connection', epoch: ahead }]);
      assert.equal(restored, ahead);
      const { epoch, previous } = await other.link.claim(name, 'next');
      assert.ok(epoch > ahead, `${epoch} is greater than ${ahead}`);
      assert.deepEqual(previous, { nodeId: one.id, connectionId: 'connection' });
    },
  },
  {
    name: 'restore: of what this node owns with a greater epoch answers that one',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const name = fresh('name');
      const first = await one.link.claim(name, 'first');
      const second = await one.link.claim(name, 'second');
      assert.deepEqual(await one.link.restore([{ name, connectionId: 'first', epoch: first.epoch }]), [second.epoch]);
      assert.equal(await ownerOf(name, other, [one, other]), `${one.id} first`);
    },
  },
  {
    name: 'restore: takes 500 at once and answers in their order',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const bindings = Array.from({ length: 500 }, (_, index) => ({
        name: fresh('name'),
        connectionId: `connection-${index}`,
        epoch: 1_000 + index,
      }));
      const taken = await other.link.claim((bindings[250] as { name: string }).name, 'newer');
      const answers = await one.link.restore(bindings);
      assert.ok(taken.epoch > 1_500);
      assert.equal(answers.length, 500);
      for (const [index, { epoch }] of bindings.entries()) {
        const answer = answers[index] as number | 'fenced';
        assert.ok(index === 250 ? answer === 'fenced' : answer !== 'fenced' && answer >= epoch, `${index}: ${answer}`);
      }
      assert.deepEqual(await one.link.restore([]), []);
    },
  },
  {
    name: 'names: any characters, up to 512 bytes, each a name of its own',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const names = [...oddNames(), ...longestNames()];
      const claims = await Promise.all(names.map(async (name, index) => one.link.claim(name, `c ${index} é`)));
      assert.ok(claims.every(({ previous }) => previous === undefined));
      for (const [index, name] of names.entries()) {
        assert.equal(await ownerOf(name, other, [one, other]), `${one.id} c ${index} é`);
      }
      for (const name of names) assert.equal(await other.link.remove(name), true);
      const lost = await one.listener.until('nameLost', names.length);
      assert.deepEqual(new Set(lost.map(({ name }) => name)), new Set(names));
    },
  },
];
