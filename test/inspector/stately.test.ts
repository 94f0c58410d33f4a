import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assign, createActor, createMachine } from 'xstate';
import { defineService, serviceSetup } from 'troupe';
import { connect } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { serveInspected } from './support.ts';

const chat = () =>
  defineService({
    basePath: '/chat',
    machine: serviceSetup<{ nick: string }>()
      .extend({ actions: { remember: assign({ nick: ({ event }) => (event.type === 'ws.text' ? event.text : '') }) } })
      .createMachine({
        id: 'chat',
        context: { nick: '' },
        initial: 'naming',
        states: { naming: { on: { 'ws.text': { target: 'chatting', actions: 'remember' } } }, chatting: {} },
      }),
  });

/** What the package's own receiver hands to whoever uses it. */
function receive(server: string): Inbox<StatelyInspectionEvent> {
  const inbox = new Inbox<StatelyInspectionEvent>();
  const subscription = createWebSocketReceiver({ server }).subscribe((event) => inbox.push(event));
  onTestFinished(() => subscription.unsubscribe());
  return inbox;
}

type ActorEvent = Extract<StatelyInspectionEvent, { type: '@xstate.actor' }>;

describe("the receiver of @statelyai/inspect's own", () => {
  it('is told of the actors that there are, each after its parent', async () => {
    const server = await serveInspected([chat()]);
    await connect(server.url('/chat'));
    const received = receive(server.viewersUrl);
    const actors: ActorEvent[] = [];
    while (actors.length < 7) actors.push((await received.next()) as ActorEvent);
    const [supervisor] = actors;
    expect(actors.map(({ type, name }) => [type, name])).toEqual([
      ...['supervisor', 'server', 'named-connections', 'groups', '/chat'].map((name) => ['@xstate.actor', name]),
      ['@xstate.actor', server.troupe.connections('/chat').items[0]!.id],
      ['@xstate.actor', 'service'],
    ]);
    expect(supervisor!.parentId).toBeUndefined();
    const known = new Set<string>();
    for (const { sessionId, parentId, rootId, _version, createdAt, id, snapshot } of actors) {
      if (parentId !== undefined) expect(known).toContain(parentId);
      known.add(sessionId);
      expect({ rootId, _version, id }).toEqual({ rootId: supervisor!.sessionId, _version: '0.7.2', id: null });
      expect(Math.abs(Number(createdAt) - Date.now())).toBeLessThan(60_000);
      expect(snapshot.status).toBe('active');
    }
  });

  it('gets definitions that machines can be made of', async () => {
    const server = await serveInspected([chat()]);
    await connect(server.url('/chat'));
    const received = receive(server.viewersUrl);
    for (const name of ['supervisor', '/chat', 'service']) {
      const actor = (await received.until(
        (event) => event.type === '@xstate.actor' && event.name === name,
      )) as ActorEvent;
      const definition = JSON.parse(actor.definition!) as { id: string; states: object };
      expect(Object.keys(definition.states).length).toBeGreaterThan(1);
    }
  });

  it('is told of events and snapshots, by whom and of what', async () => {
    const server = await serveInspected([chat()]);
    const received = receive(server.viewersUrl);
    const groups = await received.until((event) => event.type === '@xstate.actor' && event.name === 'groups');
    expect((groups as ActorEvent).snapshot).toEqual({ status: 'active', context: { groups: 0 } });
    const client = await connect(server.url('/chat'));
    const service = await received.until((event) => event.type === '@xstate.actor' && event.name === 'service');
    client.send('ann');
    const isOf = (event: StatelyInspectionEvent): boolean => event.sessionId === service.sessionId;
    const given = await received.until(
      (event) => isOf(event) && event.type === '@xstate.event' && event.event.type === 'ws.text',
    );
    expect(given).toMatchObject({ event: { type: 'ws.text', text: '[redacted 3 characters]' } });
    const snapshot = await received.until(
      (event) => isOf(event) && event.type === '@xstate.snapshot' && event.event.type === 'ws.text',
    );
    expect(snapshot).toMatchObject({
      snapshot: { status: 'active', value: 'chatting', context: { nick: '[redacted 3 characters]' } },
    });
  });

  it('begins with the present when it attaches late, or again', async () => {
    const server = await serveInspected([chat()]);
    const client = await connect(server.url('/chat'));
    client.send('ann');
    const isService = (event: StatelyInspectionEvent): boolean =>
      event.type === '@xstate.actor' && event.name === 'service';
    const first = receive(server.viewersUrl);
    expect(await first.until(isService)).toMatchObject({ snapshot: { value: 'chatting' } });
    await server.troupe.close({ drain: { timeoutMs: 0 } });

    const next = await serveInspected([chat()], true, { listen: { port: server.port } });
    await connect(next.url('/chat'));
    const second = receive(next.viewersUrl);
    expect(await second.until(isService)).toMatchObject({ snapshot: { value: 'naming' } });
    expect(second.all[0]).toMatchObject({ type: '@xstate.actor', name: 'supervisor' });
  });

  it('is told of a machine that crashes', async () => {
    const fragile = defineService({
      basePath: '/fragile',
      machine: serviceSetup()
        .extend({
          actions: {
            fail() {
              throw new Error('it broke');
            },
          },
        })
        .createMachine({ initial: 'whole', states: { whole: { on: { 'ws.text': { actions: 'fail' } } } } }),
    });
    const server = await serveInspected([fragile]);
    server.troupe.on('connection.crashed', () => {});
    const received = receive(server.viewersUrl);
    const client = await connect(server.url('/fragile'));
    const service = await received.until((event) => event.type === '@xstate.actor' && event.name === 'service');
    client.send('break');
    const last = await received.until(
      (event) =>
        event.sessionId === service.sessionId &&
        event.type === '@xstate.snapshot' &&
        event.snapshot.status !== 'active',
    );
    expect(last).toMatchObject({
      snapshot: { status: 'error', value: 'whole', error: { message: '[redacted 8 characters]' } },
    });
  });

  it('gets no frame that is not of its format', async () => {
    const server = await serveInspected([chat()]);
    const received = receive(server.viewersUrl);
    await received.next();
    const client = await connect(server.url('/chat'));
    client.send('ann');
    await received.until((event) => event.type === '@xstate.snapshot' && event.event.type === 'ws.text');
    expect(new Set(received.all.map(({ type }) => type))).toEqual(
      new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']),
    );
  });

  it('is told of 200 actors at most, and of others when those have gone', async () => {
    const server = await serveInspected([chat()]);
    const clients = [];
    for (let count = 0; count < 100; count++) clients.push(await connect(server.url('/chat')));
    const viewer = await server.viewPlainly();
    for (let told = 0; told < 200; told++) await viewer.until('@xstate.actor');
    await clients[0]!.close();
    await viewer.until('@xstate.snapshot', ({ snapshot }) => snapshot.status === 'done');
    const told = viewer.all.filter(({ type }) => type === '@xstate.actor');
    expect(told).toHaveLength(200);
    await connect(server.url('/chat'));
    await viewer.until('@xstate.actor');
  });
});

describe('the definition of a machine', () => {
  it('is what XState itself would say of it', async () => {
    const server = await serveInspected([chat()]);
    await connect(server.url('/chat'));
    const viewer = await server.viewPlainly();
    const { definition } = await viewer.until('@xstate.actor', ({ name }) => name === 'service');
    const machine = createMachine(JSON.parse(definition) as never);
    expect(createActor(machine).getSnapshot().value).toBe('naming');
  });
});
