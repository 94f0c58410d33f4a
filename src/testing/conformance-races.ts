/** What several nodes do to one name at the same time: whatever the order, one owns it, and who lost it knows. */
import assert from 'node:assert/strict';
import type { Claimed } from '../backplane/contract.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { type ConformanceNode, fresh, ownerOf, quiet } from './conformance-node.ts';

const ROUNDS = 20;

interface Race {
  readonly node: ConformanceNode;
  readonly connectionId: string;
  readonly claimed: Claimed;
}

/**
 * 300 claims: all at once, or each node ten at a time, so that the claims of several nodes take turns also where an engine
 * takes all that one connection sent before it looks at the next.
 */
async function claimAll(name: string, nodes: readonly ConformanceNode[], areAtOnce: boolean): Promise<Race[]> {
  const races: Race[] = [];
  const claim = async (node: ConformanceNode, connectionId: string): Promise<void> => {
    races.push({ node, connectionId, claimed: await node.link.claim(name, connectionId) });
  };
  await Promise.all(
    Array.from({ length: areAtOnce ? 300 : 30 }, async (_, lane) => {
      const node = nodes[lane % nodes.length] as ConformanceNode;
      for (let turn = 0; turn < (areAtOnce ? 1 : 10); turn++) await claim(node, `connection-${lane}-${turn}`);
    }),
  );
  return races;
}

/** Their order is told by the epochs, each winner knows whom it follows, each loser is told once. */
async function race(nodes: readonly ConformanceNode[], areAtOnce: boolean): Promise<void> {
  const name = fresh('raced');
  const races = await claimAll(name, nodes, areAtOnce);
  const inOrder = races.toSorted((one, other) => one.claimed.epoch - other.claimed.epoch);
  assert.equal(new Set(races.map(({ claimed }) => claimed.epoch)).size, races.length, 'no epoch is given twice');
  for (const [index, { claimed }] of inOrder.entries()) {
    const before = inOrder[index - 1];
    const previous = before && { nodeId: before.node.id, connectionId: before.connectionId };
    assert.deepEqual(claimed.previous, previous, `claim ${index}, in the order of the epochs, names the one before`);
  }
  const owner = inOrder.at(-1) as Race;
  for (const node of nodes) {
    const replaced = inOrder.filter(({ node: loser }, index) => {
      const next = inOrder[index + 1];
      return loser === node && next !== undefined && next.node !== node;
    });
    const told = (): string[] =>
      node.listener
        .of('nameLost')
        .filter((loss) => loss.name === name)
        .map(({ connectionId, epoch, why }) => `${connectionId} ${epoch} ${why}`);
    while (told().length < replaced.length) await node.link.beat();
    await quiet(...nodes);
    const all = told();
    assert.equal(new Set(all).size, all.length, 'nobody is told twice');
    const missing = replaced.map(({ connectionId, claimed }) => `${connectionId} ${claimed.epoch} replaced`);
    assert.deepEqual(
      missing.filter((loss) => !all.includes(loss)),
      [],
      'each that was replaced is told, with its epoch',
    );
    assert.ok(!all.some((loss) => loss.startsWith(`${owner.connectionId} `)), 'the owner is told nothing');
  }
  assert.equal(await ownerOf(name, nodes[0] as ConformanceNode, nodes), `${owner.node.id} ${owner.connectionId}`);
}

/** Begins both before either has an answer, now the one first, now the other. */
async function both<One, Other>(
  one: () => Promise<One>,
  other: () => Promise<Other>,
  round: number,
): Promise<[One, Other]> {
  if (round % 2 === 0) return Promise.all([one(), other()]);
  const [second, first] = await Promise.all([other(), one()]);
  return [first, second];
}

export const raceCases: readonly ConformanceCase[] = [
  {
    name: 'claim: of 300 at once from three nodes one owns the name, and each that was replaced is told once',
    async run(stage, { claimRounds = 3 }) {
      const nodes = await stage.nodes(3);
      for (let round = 0; round < claimRounds; round++) await race(nodes, round % 2 === 0);
    },
  },
  {
    name: 'names: what one node asks of a name is done in the order in which it asks',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const { link } = one;
      for (let round = 0; round < ROUNDS; round++) {
        const name = fresh('name');
        const [first, released, second, restored, removed, third, refused] = await Promise.all([
          link.claim(name, 'first'),
          link.release(name, 'first'),
          link.claim(name, 'second'),
          link.restore([{ name, connectionId: 'second', epoch: 1_000 }]),
          link.remove(name),
          link.claim(name, 'third'),
          link.release(name, 'second'),
        ]);
        assert.deepEqual([released, removed, refused], [true, true, false]);
        assert.ok(first.epoch < second.epoch && second.epoch < third.epoch, 'epochs rise');
        assert.deepEqual(
          [first, second, third].map(({ previous }) => previous),
          [undefined, undefined, undefined],
        );
        assert.deepEqual(restored, [second.epoch]);
        assert.equal(await ownerOf(name, other, [one, other]), `${one.id} third`);
      }
    },
  },
  {
    name: 'release: at the same time as another node claims the name never takes it from that node',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      for (let round = 0; round < ROUNDS; round++) {
        const name = fresh('name');
        await one.link.claim(name, 'connection');
        const [released, claimed] = await both(
          async () => one.link.release(name, 'connection'),
          async () => other.link.claim(name, 'connection'),
          round,
        );
        assert.equal(claimed.previous === undefined, released, 'what was released is nobody to follow');
        await quiet(one, other);
        assert.equal(await other.link.release(name, 'connection'), true, 'the claimer owns it');
      }
    },
  },
  {
    name: 'remove: at the same time as a claim leaves the claimer the owner, or tells it',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      for (let round = 0; round < ROUNDS; round++) {
        const name = fresh('name');
        const [{ epoch }, removed] = await both(
          async () => one.link.claim(name, 'connection'),
          async () => other.link.remove(name),
          round,
        );
        await quiet(other, one);
        const losses = one.listener.of('nameLost').filter((loss) => loss.name === name);
        const expected = { type: 'nameLost', name, connectionId: 'connection', epoch, why: 'removed' };
        assert.deepEqual(losses, removed ? [expected] : []);
        assert.equal(await one.link.release(name, 'connection'), !removed);
      }
    },
  },
  {
    name: 'restore: by two nodes at the same time gives the name to the greater epoch, and the other knows',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      for (let round = 0; round < ROUNDS; round++) {
        const name = fresh('name');
        const [lesser, greater] = round % 2 === 0 ? [one, other] : [other, one];
        const restore = async (node: ConformanceNode, epoch: number): Promise<number | 'fenced' | undefined> =>
          (await node.link.restore([{ name, connectionId: 'connection', epoch }]))[0];
        const [fate, inForce] = await both(
          async () => restore(lesser, 1_000),
          async () => restore(greater, 2_000),
          Math.floor(round / 2),
        );
        assert.ok(inForce !== undefined && inForce !== 'fenced' && inForce >= 2_000);
        await quiet(one, other);
        const losses = lesser.listener.of('nameLost').filter((loss) => loss.name === name);
        assert.equal(losses.length, fate === 'fenced' ? 0 : 1, `fate ${fate}: told ${losses.length} times`);
        assert.equal(await lesser.link.release(name, 'connection'), false);
        assert.equal(await greater.link.release(name, 'connection'), true);
      }
    },
  },
];
