import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createTroupe, defineService, type Connection } from 'troupe';
import { memoryEngine } from 'troupe/backplane';
import { bent } from '../support/bent-backplane.ts';
import { createGate } from '../support/inbox.ts';
import { connect } from '../support/client.ts';
import { isDown, isUp, startNode } from '../support/nodes.ts';
import { advance, advanceUntil } from '../support/server.ts';

describe('a node goes on hearing', () => {
  it('the broadcasts for a service that was replaced', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const [one, two] = await Promise.all([startNode(engine.backplane(), clock), startNode(engine.backplane(), clock)]);
    const gate = createGate();
    const version = (onTextMessage: (connection: Connection, text: string) => unknown) =>
      defineService({ basePath: '/versions', name: 'versions', onTextMessage });
    one.troupe.attachService(version(() => gate.opened));
    const old = await one.puppet('/versions');
    old.client.send('takes its time');
    await expect.poll(() => one.troupe.connections('versions').items[0]?.state).toBe('message');
    const replaced = one.troupe.replaceService(version(() => {}));
    const young = await one.puppet('/versions');
    gate.open();
    await advanceUntil(clock, Promise.all([replaced, old.client.closed]), {
      stepMs: 50,
    });
    await advance(clock, 3000, 250);
    two.troupe.broadcastText('versions', 'news');
    two.troupe.broadcastText('versions', 'more news');
    expect(await young.hears('more news')).toEqual(['news', 'more news']);
  });

  it('a group whose subscription the engine refused at first', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    let refusals = 1;
    const refusing = bent(engine.backplane(), (link) => ({
      subscribe: (topics) =>
        topics.includes('g:lobby') && refusals-- > 0 ? Promise.reject(new Error('Not now.')) : link.subscribe(topics),
    }));
    const [one, two] = await Promise.all([startNode(refusing, clock), startNode(engine.backplane(), clock)]);
    const member = await one.puppet();
    expect(await member.call('addConnectionToGroup', 'lobby')).toMatchObject({
      status: 'accepted',
    });
    await advance(clock, 40_000, 500);
    two.troupe.pushTextToGroup('lobby', 'news');
    expect(await member.hears('news')).toEqual(['news']);
  });
});

describe('a member that joined while there was no link', () => {
  it('stays, although the group was removed before', async () => {
    const engine = memoryEngine();
    const one = await startNode(engine.backplane());
    await one.troupe.removeConnectionGroup('lobby');
    engine.stop();
    await isDown(one.troupe);
    // A program that begins while the engine is away: clients do not wait for it.
    const service = defineService({
      basePath: '/a',
      onOpen: (connection) => void connection.addConnectionToGroup('lobby'),
    });
    const troupe = createTroupe({
      services: [service],
      backplane: engine.backplane(),
    });
    onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
    const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
    const client = await connect(`ws://127.0.0.1:${port}/a`);
    await expect.poll(() => troupe.members('lobby').items).toHaveLength(1);
    engine.start();
    await Promise.all([isUp(troupe), isUp(one.troupe)]);
    expect(troupe.members('lobby').items).toHaveLength(1);
    one.troupe.pushTextToGroup('lobby', 'hello');
    expect(await client.next()).toBe('hello');
  });
});
