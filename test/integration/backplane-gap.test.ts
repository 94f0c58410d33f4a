import { describe, expect, it } from 'vitest';
import { memoryEngine } from 'troupe/backplane';
import { bent } from '../support/bent-backplane.ts';
import { createGate, turns, type Gate } from '../support/inbox.ts';
import { isDown, isUp, startNode } from '../support/nodes.ts';

describe('while a link is repaired', () => {
  it('what comes is subscribed to as soon as it is up', async () => {
    const engine = memoryEngine();
    const repair: { gate?: Gate } = {};
    const backplane = bent(engine.backplane(), (link) => ({
      // It is what a repair does last.
      async restore(bindings) {
        await repair.gate?.opened;
        return link.restore(bindings);
      },
    }));
    const [one, two] = await Promise.all([startNode(backplane), startNode(engine.backplane())]);
    const a = await one.puppet();
    await a.call('storeConnection', 'a');
    const down = Promise.all([isDown(one.troupe), isDown(two.troupe)]);
    engine.stop();
    await down;
    repair.gate = createGate();
    engine.start();
    await expect.poll(() => one.troupe.health().backplane?.state).toBe('repairing');
    expect(await a.call('addConnectionToGroup', 'late')).toMatchObject({ status: 'accepted' });
    repair.gate.open();
    await expect.poll(() => two.troupe.health().backplane?.isUp).toBe(true);
    await expect
      .poll(() => {
        two.troupe.pushTextToGroup('late', 'heard');
        return a.heard.length;
      })
      .toBeGreaterThan(0);
  });
});

describe('when a link is lost', () => {
  it('what was given up and not answered is given up by the next one', async () => {
    const engine = memoryEngine();
    const asked = createGate();
    let isBack = false;
    const backplane = bent(engine.backplane(), (link) => ({
      release(name, connectionId): Promise<boolean> {
        if (isBack) return link.release(name, connectionId);
        asked.open();
        return new Promise(() => {});
      },
    }));
    const [one, two] = await Promise.all([startNode(backplane), startNode(engine.backplane())]);
    const a = await one.puppet();
    await a.call('storeConnection', 'a');
    a.client.socket.close();
    await asked.opened;
    const down = Promise.all([isDown(one.troupe), isDown(two.troupe)]);
    engine.stop();
    await down;
    isBack = true;
    engine.start();
    await Promise.all([isUp(one.troupe), isUp(two.troupe)]);
    expect(await two.troupe.removeStoredConnection('a')).toMatchObject({ status: 'unknown' });
  });
});

describe('while a name is being claimed', () => {
  it('pushes to it from the same node wait for the answer, and keep their order', async () => {
    const engine = memoryEngine();
    const gate = createGate();
    const backplane = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId) {
        await gate.opened;
        return link.claim(name, connectionId);
      },
    }));
    const one = await startNode(backplane);
    const a = await one.puppet();
    const stored = a.call('storeConnection', 'a');
    // What it says before the answer to its claim has been handled when this returns.
    await a.client.ping();
    const pushes = ['1', '2', '3'].map((text) => one.troupe.pushTextToConnection('a', text));
    gate.open();
    expect(await stored).toEqual({ status: 'ok', count: 1 });
    for (const push of pushes) expect(await push).toEqual({ status: 'delivered', count: 1 });
    expect(await a.hears('3')).toEqual(['1', '2', '3']);
  });

  it('a connection that closes meanwhile does not keep it', async () => {
    const engine = memoryEngine();
    const gate = createGate();
    const backplane = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId) {
        await gate.opened;
        return link.claim(name, connectionId);
      },
    }));
    const [one, two] = await Promise.all([startNode(backplane), startNode(engine.backplane())]);
    const a = await one.puppet();
    void a.call('storeConnection', 'a');
    await a.client.ping();
    a.client.socket.terminate();
    await expect.poll(() => one.troupe.connections('/a').items).toEqual([]);
    gate.open();
    await turns(20);
    expect(await two.troupe.removeStoredConnection('a')).toMatchObject({ status: 'unknown' });
    expect(one.troupe.storedNames().items).toEqual([]);
  });
});
