import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { memoryEngine, type Claimed } from 'troupe/backplane';
import { bent } from '../support/bent-backplane.ts';
import { createGate } from '../support/inbox.ts';
import { startNode } from '../support/nodes.ts';
import { advance, advanceUntil } from '../support/server.ts';

describe('the owner of a name', () => {
  it('that claims it anew while another node takes it is told once, and has it no more', async () => {
    const engine = memoryEngine();
    const gate = createGate();
    let claims = 0;
    // The answer to the second claim takes longer than the news that it was overtaken.
    const slow = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId): Promise<Claimed> {
        const claimed = link.claim(name, connectionId);
        if (++claims === 2) await gate.opened;
        return claimed;
      },
    }));
    const [one, two] = await Promise.all([startNode(slow), startNode(engine.backplane())]);
    const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
    await a.call('storeConnection', 'x');
    const again = a.call('storeConnection', 'x');
    await expect.poll(() => claims).toBe(2);
    await b.call('storeConnection', 'x');
    await expect.poll(() => one.troupe.storedNames().items).toEqual([]);
    gate.open();
    expect(await again).toMatchObject({ status: 'ok' });
    await one.troupe.pushTextToConnection('x', 'to the owner');
    expect(await b.hears('to the owner')).toEqual(['to the owner']);
    await a.call('pushText', 'end');
    expect(await a.hears('end')).toEqual(['end']);
    expect(a.replaced).toEqual(['x']);
  });

  it('that another connection of its node has overtaken is told, also if the answers come the other way round', async () => {
    const engine = memoryEngine();
    const gate = createGate();
    let claims = 0;
    const slow = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId): Promise<Claimed> {
        const claimed = link.claim(name, connectionId);
        if (++claims === 1) await gate.opened;
        return claimed;
      },
    }));
    const one = await startNode(slow);
    const [a, b] = await Promise.all([one.puppet(), one.puppet()]);
    const first = a.call('storeConnection', 'x');
    await expect.poll(() => claims).toBe(1);
    await b.call('storeConnection', 'x');
    b.client.socket.close();
    await b.client.closed;
    await expect.poll(() => one.troupe.storedNames().items).toEqual([]);
    gate.open();
    await first;
    await a.until(({ replaced }) => replaced.length > 0);
    expect(one.troupe.storedNames().items).toEqual([]);
  });

  it('is the connection that took it last, although an audit was under way', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const gate = createGate();
    const audit = createGate();
    let claims = 0;
    const slow = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId): Promise<Claimed> {
        const claimed = await link.claim(name, connectionId);
        if (++claims === 3) await gate.opened;
        return claimed;
      },
      restore(bindings) {
        if (bindings.length > 0) audit.open();
        return link.restore(bindings);
      },
    }));
    const [one, two] = await Promise.all([startNode(slow, clock), startNode(engine.backplane(), clock)]);
    const [a, b] = await Promise.all([one.puppet(), one.puppet()]);
    await a.call('storeConnection', 'x');
    await a.call('storeConnection', 'y');
    const taking = b.call('storeConnection', 'x');
    await expect.poll(() => claims).toBe(3);
    await advanceUntil(clock, audit.opened, { stepMs: 100 });
    await advance(clock, 300, 100);
    gate.open();
    await taking;
    await advance(clock, 300, 100);
    expect(await two.troupe.pushTextToConnection('x', 'hello')).toMatchObject({ status: 'delivered' });
    await b.hears('hello');
  });
});

describe('a name that another node removes', () => {
  it('stays removed, although an audit that was under way has restored it', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const [asked, gate, released] = [createGate(), createGate(), createGate()];
    const slow = bent(engine.backplane(), (link) => ({
      async restore(bindings): Promise<readonly (number | 'fenced')[]> {
        if (bindings.length > 0) {
          asked.open();
          await gate.opened;
        }
        return link.restore(bindings);
      },
      async release(name, connectionId): Promise<boolean> {
        const wasOwner = await link.release(name, connectionId);
        if (wasOwner) released.open();
        return wasOwner;
      },
    }));
    const [one, two] = await Promise.all([startNode(slow, clock), startNode(engine.backplane(), clock)]);
    const a = await one.puppet();
    await a.call('storeConnection', 'x');
    await advanceUntil(clock, asked.opened, { stepMs: 500 });
    expect(await two.troupe.removeStoredConnection('x')).toMatchObject({ status: 'ok' });
    await expect.poll(() => one.troupe.storedNames().items).toEqual([]);
    gate.open();
    await released.opened;
    expect(await two.troupe.removeStoredConnection('x')).toMatchObject({ status: 'unknown' });
  });
});

describe('one of more names than an audit takes at once', () => {
  it('stays with the connection that took it while the audit was at the others', async () => {
    // Its former holder was restored, then given up: for other nodes it was nobody's until the next audit.
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const [asked, gate] = [createGate(), createGate()];
    let batches = 0;
    const slow = bent(engine.backplane(), (link) => ({
      async restore(bindings): Promise<readonly (number | 'fenced')[]> {
        if (bindings.length > 0) batches++;
        if (batches === 1) {
          asked.open();
          await gate.opened;
        }
        return link.restore(bindings);
      },
    }));
    const [one, two] = await Promise.all([startNode(slow, clock), startNode(engine.backplane(), clock)]);
    const [a, b] = await Promise.all([one.puppet(), one.puppet()]);
    await Promise.all(Array.from({ length: 500 }, (_, at) => a.call('storeConnection', `name ${at}`)));
    for (const name of ['x', 'y']) await a.call('storeConnection', name);
    await advanceUntil(clock, asked.opened, { stepMs: 500 });
    await b.call('storeConnection', 'x');
    gate.open();
    await expect.poll(() => batches).toBe(2);
    await advance(clock, 300, 100);
    expect(await two.troupe.pushTextToConnection('x', 'hello')).toMatchObject({ status: 'delivered' });
    await b.hears('hello');
  });
});

describe('what is sent to the owner of a name', () => {
  it('is not for the connection that it has replaced, while its node does not know yet', async () => {
    const engine = memoryEngine();
    const gate = createGate();
    let claims = 0;
    const slow = bent(engine.backplane(), (link) => ({
      async claim(name, connectionId): Promise<Claimed> {
        const claimed = await link.claim(name, connectionId);
        if (++claims === 2) await gate.opened;
        return claimed;
      },
    }));
    const [one, two] = await Promise.all([startNode(slow), startNode(engine.backplane())]);
    const [a, b] = await Promise.all([one.puppet(), one.puppet()]);
    await a.call('storeConnection', 'x');
    void b.call('storeConnection', 'x');
    await expect.poll(() => claims).toBe(2);
    expect(await two.troupe.pushTextToConnection('x', 'to the owner')).toMatchObject({ status: 'accepted' });
    await two.troupe.closeStoredConnection('x', 4001, 'over');
    gate.open();
    expect(await b.client.closed).toEqual({ code: 4001, reason: 'over' });
    expect(b.heard).toEqual(['to the owner']);
    expect(a.heard).toEqual([]);
    expect(a.client.socket.readyState).toBe(1);
  });
});
