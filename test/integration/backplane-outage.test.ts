import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { memoryEngine, type MemoryEngine } from 'troupe/backplane';
import type { TroupeEvents } from 'troupe';
import { isDown, isUp, startNode, type Node } from '../support/nodes.ts';
import { advance, advanceUntil } from '../support/server.ts';

interface Cluster {
  readonly engine: MemoryEngine;
  readonly clock: SimulatedClock;
  readonly nodes: readonly [Node, Node];
}

async function cluster(): Promise<Cluster> {
  const clock = new SimulatedClock();
  const engine = memoryEngine({ clock });
  const [one, two] = await Promise.all([startNode(engine.backplane(), clock), startNode(engine.backplane(), clock)]);
  return { engine, clock, nodes: [one, two] };
}

/** Moves the clock until the nodes are back; what the first of them found. */
async function backAfter(
  clock: SimulatedClock,
  ...nodes: readonly Node[]
): Promise<TroupeEvents['backplane.connected']> {
  const connected = nodes.map(
    ({ troupe }) =>
      new Promise<TroupeEvents['backplane.connected']>((resolve) => {
        troupe.on('backplane.connected', resolve);
      }),
  );
  const [first] = await advanceUntil(clock, Promise.all(connected), { stepMs: 100 });
  return first!;
}

describe('while the engine is away', () => {
  it('everything local goes on, and what is for others is refused at once', async () => {
    const { engine, nodes } = await cluster();
    const [one, two] = nodes;
    const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
    await a.call('storeConnection', 'a');
    await b.call('storeConnection', 'b');
    await a.call('addConnectionToGroup', 'lobby');
    await b.call('addConnectionToGroup', 'lobby');
    const lost = Promise.all([isDown(one.troupe), isDown(two.troupe)]);
    engine.stop();
    await lost;

    expect(one.troupe.health()).toMatchObject({ isReady: true, backplane: { engine: 'memory', isUp: false } });
    expect(await a.call('pushTextToConnection', 'a', 'to myself')).toEqual({ status: 'delivered', count: 1 });
    expect(await a.call('pushTextToConnection', 'b', 'over there')).toEqual({ status: 'down', count: 0 });
    expect(await a.call('pushTextToGroup', 'lobby', 'who is here')).toEqual({ status: 'down', count: 1 });
    expect(await a.call('broadcastText', 'all here')).toEqual({ status: 'down', count: 1 });
    expect(await a.call('addConnectionToGroup', 'new')).toEqual({ status: 'accepted', count: 0 });
    expect(await a.call('pushTextToGroup', 'new', 'in a new group')).toEqual({ status: 'down', count: 1 });
    expect(await a.call('removeConnectionFromGroup', 'new')).toEqual({ status: 'ok', count: 1 });
    for (const claim of [
      a.call('storeConnection', 'another'),
      a.call('removeStoredConnection', 'b'),
      a.call('removeStoredConnection', 'a'),
      a.call('removeConnectionGroup', 'lobby'),
      a.call('closeStoredConnection', 'b'),
    ])
      expect(await claim).toMatchObject({ status: 'down' });
    expect(await one.troupe.cluster.members('lobby')).toMatchObject({ asked: 1, answered: 1 });
    expect(a.heard).toEqual(['to myself', 'who is here', 'all here', 'in a new group']);
    expect(b.heard).toEqual([]);
  });

  it('tells of it once, and of each attempt that fails', async () => {
    const { engine, clock, nodes } = await cluster();
    const told: string[] = [];
    const { troupe } = nodes[0];
    for (const name of ['backplane.lost', 'backplane.unreachable', 'backplane.connected'] as const)
      troupe.on(name, () => told.push(name));
    engine.stop();
    await isDown(troupe);
    await advance(clock, 3000, 100);
    engine.start();
    await backAfter(clock, nodes[0]);
    expect(told[0]).toBe('backplane.lost');
    expect(told.at(-1)).toBe('backplane.connected');
    expect(new Set(told.slice(1, -1))).toEqual(new Set(['backplane.unreachable']));
    await advance(clock, 3000, 100);
    expect(troupe.health().backplane).toEqual({ engine: 'memory', state: 'up', isUp: true, failures: 0 });
  });
});

describe('when the engine is back, empty', () => {
  it('names and memberships are there again, and what was given up meanwhile is not', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    const [a, b, gone] = await Promise.all([one.puppet(), two.puppet(), one.puppet()]);
    await a.call('storeConnection', 'a');
    await gone.call('storeConnection', 'gone');
    for (const puppet of [a, b]) await puppet.call('addConnectionToGroup', 'lobby');
    engine.stop();
    await Promise.all([isDown(one.troupe), isDown(two.troupe)]);
    gone.client.socket.close();
    await gone.client.closed;
    await b.call('addConnectionToGroup', 'joined meanwhile');
    engine.start({ empty: true });
    await backAfter(clock, ...nodes);
    expect(await b.call('pushTextToConnection', 'a', 'found')).toMatchObject({ status: 'delivered' });
    await a.hears('found');
    expect(await b.call('pushTextToConnection', 'gone', 'x')).toMatchObject({ status: 'unknown' });
    one.troupe.pushTextToGroup('joined meanwhile', 'heard');
    await b.hears('heard');
  });

  it('gives back the names of connections that closed meanwhile, also if it forgot nothing', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    const gone = await one.puppet();
    await gone.call('storeConnection', 'gone');
    engine.stop();
    await Promise.all([isDown(one.troupe), isDown(two.troupe)]);
    gone.client.socket.close();
    await gone.client.closed;
    engine.start();
    await backAfter(clock, ...nodes);
    // Asked of the engine alone: the node would say that it has no such connection.
    expect(await two.troupe.removeStoredConnection('gone')).toMatchObject({ status: 'unknown' });
  });
});

describe('a node that is cut off', () => {
  it('notices by itself, and is told what others took and removed when it is back', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
    await a.call('storeConnection', 'contended');
    await a.call('storeConnection', 'kept');
    for (const puppet of [a, b]) await puppet.call('addConnectionToGroup', 'lobby');
    engine.cut(one.id);
    await advanceUntil(clock, isDown(one.troupe), { stepMs: 100 });
    expect(await a.call('pushTextToConnection', 'kept', 'local')).toEqual({ status: 'delivered', count: 1 });

    expect(await b.call('storeConnection', 'contended')).toMatchObject({ status: 'ok' });
    await two.troupe.removeConnectionGroup('lobby');
    await b.call('addConnectionToGroup', 'lobby');
    engine.heal(one.id);
    const { fenced, removed, again } = await backAfter(clock, one);
    expect({ fenced, removed, again }).toEqual({ fenced: 1, removed: 1, again: true });
    await a.until(({ replaced }) => replaced.includes('contended'));
    expect(one.troupe.members('lobby').items).toEqual([]);
    expect(await a.call('pushTextToConnection', 'contended', 'to b')).toMatchObject({ status: 'delivered' });
    await b.hears('to b');
    expect(await b.call('pushTextToConnection', 'kept', 'to a')).toMatchObject({ status: 'delivered' });
    await a.hears('to a');
  });

  it('is unreachable by its names at once, and they are unknown when its lease has ended', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    const a = await one.puppet();
    await a.call('storeConnection', 'a');
    engine.cut(one.id);
    expect(await two.troupe.pushTextToConnection('a', 'x')).toMatchObject({ status: 'unreachable' });
    await advance(clock, 12_000, 250);
    expect(await advanceUntil(clock, Promise.resolve(two.troupe.pushTextToConnection('a', 'x')))).toMatchObject({
      status: 'unknown',
    });
    engine.heal(one.id);
  });

  it('does not hold up whoever asks all nodes longer than the deadline', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    engine.cut(one.id);
    const asking = two.troupe.cluster.groups({ timeoutMs: 300 });
    expect(await advanceUntil(clock, asking, { stepMs: 50 })).toMatchObject({ asked: 2, answered: 1 });
    engine.heal(one.id);
    await isUp(two.troupe);
  });
});

describe('a node whose lease has lapsed', () => {
  it('takes back its names where nobody else has them', async () => {
    const { engine, clock, nodes } = await cluster();
    const [one, two] = nodes;
    const a = await one.puppet();
    await a.call('storeConnection', 'a');
    engine.lapse(one.id);
    expect(await two.troupe.pushTextToConnection('a', 'x')).toMatchObject({ status: 'unknown' });
    await backAfter(clock, one);
    expect(await two.troupe.pushTextToConnection('a', 'found')).toMatchObject({ status: 'delivered' });
    await a.hears('found');
  });
});
