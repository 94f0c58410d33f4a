import { describe, expect, it } from 'vitest';
import { assign, fromCallback, setup, type AnyActorRef } from 'xstate';
import { defineService, serviceSetup, type Connection, type WsEvent } from 'troupe';
import type { GraphState } from 'troupe/inspector';
import { inspectionOf } from '../../src/runtime/inspection.ts';
import { connect } from '../support/client.ts';
import { createGate } from '../support/inbox.ts';
import { serveInspected, type TestViewer } from './support.ts';

const echo = () =>
  defineService({
    basePath: '/echo',
    onTextMessage: (connection: Connection, text: string) => connection.pushText(text),
  });

const chat = () =>
  defineService({
    basePath: '/chat',
    machine: setup({
      types: {} as { context: { nick: string }; events: WsEvent },
      actions: { remember: assign({ nick: ({ event }) => (event.type === 'ws.text' ? event.text : '') }) },
      actors: { clock: fromCallback(() => {}) },
    }).createMachine({
      id: 'chat',
      context: { nick: 'nobody' },
      invoke: { src: 'clock', id: 'clock' },
      initial: 'naming',
      states: { naming: { on: { 'ws.text': { target: 'chatting', actions: 'remember' } } }, chatting: {} },
    }),
  });

const transitionsOf = ({ transitions, states }: GraphState): readonly string[] => [
  ...transitions.map(({ id }) => id),
  ...states.flatMap(transitionsOf),
];

/** The only connection, as a viewer sees it. */
async function onlyConnection(viewer: TestViewer) {
  const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
  const [item] = items as readonly { id: string; sessionId: string }[];
  const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: item!.id });
  return connection;
}

describe('a viewer that speaks the subprotocol', () => {
  it('is greeted, told of the actors of the server, and given an overview', async () => {
    const server = await serveInspected([echo(), chat()]);
    const viewer = await server.view();
    expect(await viewer.nextFrame()).toMatchObject({
      type: 'troupe.hello',
      allowActions: false,
      redact: 'all',
      limits: { watchedActors: 50, listItems: 100, eventsPerSecond: 2000 },
    });
    const overview = await viewer.until('troupe.overview');
    const actors = viewer.all
      .filter(({ type }) => type === '@xstate.actor')
      .map((frame) => 'name' in frame && frame.name);
    expect(actors).toEqual(['supervisor', 'server', 'named-connections', 'groups', '/echo', '/chat']);
    expect(overview).toMatchObject({ server: 'listening', serviceCount: 2, names: 0, groups: 0, viewers: 1 });
    expect(overview.services).toMatchObject([
      { service: '/echo', route: '/echo', state: 'running', connections: { total: 0 } },
      { service: '/chat', state: 'running' },
    ]);
  });

  it('sees the counts move', async () => {
    const settled = createGate();
    const slow = defineService({ basePath: '/slow', onTextMessage: () => settled.opened });
    const server = await serveInspected([slow]);
    const viewer = await server.view();
    const clients = [await connect(server.url('/slow')), await connect(server.url('/slow'))];
    await viewer.until('troupe.overview', ({ services }) => services[0]!.connections.state.open === 2);
    clients[0]!.send('work');
    const { services } = await viewer.until(
      'troupe.overview',
      ({ services }) => services[0]!.connections.state.message === 1,
    );
    expect(services[0]!.connections).toEqual({
      total: 2,
      state: { open: 1, restarting: 0, message: 1, closing: 0 },
      outbound: { flowing: 2, congested: 0 },
      liveness: { alive: 2, suspect: 0 },
    });
    settled.open();
    await clients[1]!.close();
    await viewer.until('troupe.overview', ({ services }) => services[0]!.connections.total === 1);
  });

  it('is told nothing of what an actor does that it does not watch', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    client.send('hello');
    await client.next();
    await viewer.ask({ type: 'list', of: 'groups' });
    const types = new Set(viewer.all.map(({ type }) => type));
    expect([...types].filter((type) => type === '@xstate.event' || type === '@xstate.snapshot')).toEqual([]);
  });

  it('is told of a watched connection: what it is given, the edges it takes, where it is then', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { sessionId } = await onlyConnection(viewer);
    const { graph } = await viewer.get('troupe.graph', { type: 'graph', of: sessionId });
    const watching = await viewer.get('troupe.watching', { type: 'watch', actors: [sessionId, 'x:none'] });
    expect(watching).toMatchObject({ actors: [sessionId], unknown: ['x:none'] });
    client.send('hello');
    expect(await viewer.until('@xstate.event')).toMatchObject({
      sessionId,
      event: { type: 'ws.text', text: '[redacted 5 characters]' },
    });
    const step = await viewer.until('troupe.microstep');
    expect(step.edges).toMatchObject([
      {
        source: 'connection.connected.lifecycle.open.ready',
        event: 'ws.*',
        targets: ['handling'],
      },
    ]);
    expect(step.active).toEqual(expect.arrayContaining(['connection.connected.lifecycle.message', 'handling']));
    expect(transitionsOf(graph.root)).toContain(step.edges[0]!.transition);
    const snapshot = await viewer.until('@xstate.snapshot', ({ event }) => event.type === 'handler.settled');
    expect(snapshot.snapshot).toMatchObject({ status: 'active', context: { service: '/echo', state: 'open' } });
  });

  it('is told when a watched connection has come to its end', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { sessionId } = await onlyConnection(viewer);
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    await client.close();
    const last = await viewer.until('@xstate.snapshot', ({ snapshot }) => snapshot.status !== 'active');
    expect(last).toMatchObject({ sessionId, snapshot: { status: 'done', value: 'closed' } });
    expect(await viewer.nextFrame()).toMatchObject({ type: 'troupe.ended', sessionId });
    expect(await viewer.get('troupe.watching', { type: 'watch', actors: [sessionId] })).toMatchObject({
      actors: [],
      unknown: [sessionId],
    });
  });

  it("watches the machine of a connection's service, and is told of what that starts", async () => {
    const server = await serveInspected([chat()]);
    const viewer = await server.view();
    const client = await connect(server.url('/chat'));
    const { actors } = await onlyConnection(viewer);
    expect(actors).toMatchObject([
      { role: 'lifecycle', hasGraph: true },
      { role: 'service', name: 'service', hasGraph: true },
      { role: 'child', name: 'clock', hasGraph: false },
    ]);
    const { sessionId } = actors[1]!;
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    client.send('ann');
    const step = await viewer.until('troupe.microstep');
    expect(step).toMatchObject({
      sessionId,
      edges: [{ transition: expect.any(String), source: 'chat.naming', event: 'ws.text', targets: ['chat.chatting'] }],
      active: ['chat', 'chat.chatting'],
    });
    const { snapshot } = await viewer.until('@xstate.snapshot');
    expect(snapshot).toMatchObject({
      value: 'chatting',
      context: { nick: '[redacted 3 characters]' },
      children: { clock: actors[2]!.sessionId },
    });
  });

  // A state below the sixth level was not told, and shown as inactive.
  it('is told of active states however deep they lie', async () => {
    const within = (depth: number): object => ({
      initial: 'inner',
      states: { inner: depth === 0 ? {} : within(depth - 1) },
    });
    const machine = serviceSetup().createMachine({ id: 'deep', ...within(9), on: { 'ws.text': {} } });
    const server = await serveInspected([defineService({ basePath: '/deep', machine })]);
    const viewer = await server.view();
    await connect(server.url('/deep'));
    const { actors } = await onlyConnection(viewer);
    await viewer.ask({ type: 'watch', actors: [actors[1]!.sessionId] });
    const { snapshot } = viewer.all.findLast((frame) => frame.type === '@xstate.actor')!;
    expect(JSON.stringify(snapshot.value).match(/inner/g)).toHaveLength(10);
  });

  it('is told no more of what it no longer watches', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { sessionId } = await onlyConnection(viewer);
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    expect(await viewer.get('troupe.watching', { type: 'unwatch' })).toMatchObject({ actors: [] });
    const told = viewer.all.length;
    client.send('hello');
    await client.next();
    await viewer.ask({ type: 'list', of: 'groups' });
    expect(viewer.all.slice(told).filter(({ type }) => type.startsWith('@xstate.'))).toEqual([]);
  });

  it('hears of crashes with the states they happened in, and of dead letters', async () => {
    const failing = defineService({
      basePath: '/failing',
      onTextMessage(connection: Connection) {
        connection.pushTextToConnection('nobody', 'lost');
        throw new TypeError('broken <script>');
      },
    });
    const server = await serveInspected([failing]);
    server.troupe.on('connection.crashed', () => {});
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    const client = await connect(server.url('/failing'));
    client.send('go');
    expect(await viewer.until('troupe.dead-letter')).toMatchObject({
      function: 'pushTextToConnection',
      target: 'nobody',
      status: 'unknown',
      bytes: 4,
    });
    expect(await viewer.until('troupe.crash')).toMatchObject({
      service: '/failing',
      during: 'ws.text',
      state: { connection: { connected: { lifecycle: { message: 'handling' } } } },
      error: { name: 'TypeError', message: '[redacted 15 characters]' },
    });
    await client.closed;
  });

  it('is told of services that are attached later', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    server.troupe.attachService(chat());
    expect(await viewer.until('@xstate.actor')).toMatchObject({ name: '/chat' });
    await viewer.until('troupe.overview', ({ serviceCount }) => serviceCount === 2);
  });

  it('is told why a request cannot be answered', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    expect(await viewer.ask({ type: 'graph', of: 'x:none' })).toMatchObject({ type: 'troupe.error', code: 'unknown' });
    const { actors } = viewer.all.find((frame) => frame.type === 'troupe.hello')!;
    expect(await viewer.ask({ type: 'graph', of: actors.names })).toMatchObject({ code: 'unknown' });
    expect(await viewer.ask({ type: 'connection', of: 'none' })).toMatchObject({ code: 'unknown' });
    expect(await viewer.ask({ type: 'list', of: 'connections', service: '/none' })).toMatchObject({ code: 'unknown' });
    expect(await viewer.ask({ type: 'nonsense' } as never)).toMatchObject({ code: 'malformed' });
    const many = Array.from({ length: 51 }, (_, index) => `x:${index}`);
    expect(await viewer.ask({ type: 'watch', actors: many })).toMatchObject({ code: 'limit' });
    viewer.client.send('no JSON');
    expect(await viewer.until('troupe.error')).toMatchObject({ code: 'malformed' });
  });
});

describe('attached', () => {
  it('is the inspector to the actors only while somebody watches one', async () => {
    let system: AnyActorRef['system'] | undefined;
    const look = ({ self }: { self: AnyActorRef }): void => {
      ({ system } = self);
    };
    const machine = serviceSetup().extend({ actions: { look } }).createMachine({ entry: 'look' });
    const server = await serveInspected([defineService({ basePath: '/looks', machine })]);
    const client = await connect(server.url('/looks'));
    const isSystemInspected = (): boolean => inspectionOf(system!).isOn;
    expect(isSystemInspected()).toBe(false);
    const viewer = await server.view();
    const { sessionId } = await onlyConnection(viewer);
    expect(isSystemInspected()).toBe(false);
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    expect(isSystemInspected()).toBe(true);
    await viewer.ask({ type: 'unwatch' });
    expect(isSystemInspected()).toBe(false);
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    await viewer.client.close();
    await client.ping();
    expect(isSystemInspected()).toBe(false);
  });

  it('is in nobody’s way: viewers are no connections of any service', async () => {
    const server = await serveInspected([echo()], true, { limits: { maxConnections: 1 } });
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    await connect(server.url('/echo'));
    expect(server.troupe.services()).toEqual(['/echo']);
    expect(server.troupe.connections('/echo').items).toHaveLength(1);
    const other = await server.view();
    expect(await other.until('troupe.overview', ({ viewers }) => viewers === 2)).toMatchObject({ serviceCount: 1 });
  });
});

describe('the end of the server', () => {
  it('is seen to its end: viewers are sent away last, with 1001', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    await viewer.until('troupe.overview', ({ services }) => services[0]?.connections.total === 1);
    await server.troupe.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await viewer.client.closed).toEqual({ code: 1001, reason: 'the server stops' });
  });

  // One that did not answer the close frame was waited for a second, however short the drain was to be.
  it('comes in its time, also with a viewer that does not answer', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    await viewer.until('troupe.overview');
    viewer.client.socket.pause();
    const begun = performance.now();
    await server.troupe.close({ drain: { timeoutMs: 50 } });
    expect(performance.now() - begun).toBeLessThan(900);
  });
});

describe('actions', () => {
  it('are refused unless they are allowed', async () => {
    const server = await serveInspected([echo()]);
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { id } = await onlyConnection(viewer);
    expect(await viewer.ask({ type: 'close', connection: id })).toMatchObject({ code: 'forbidden' });
    expect(await viewer.ask({ type: 'send', connection: id, text: 'hi' })).toMatchObject({ code: 'forbidden' });
    client.send('still here');
    expect(await client.next()).toBe('still here');
  });

  it('send text to a connection, and close it', async () => {
    const server = await serveInspected([echo()], { allowActions: true });
    const viewer = await server.view();
    expect(await viewer.nextFrame()).toMatchObject({ allowActions: true });
    const client = await connect(server.url('/echo'));
    const { id } = await onlyConnection(viewer);
    expect(await viewer.ask({ type: 'send', connection: id, text: 'hi' })).toMatchObject({ status: 'delivered' });
    expect(await client.next()).toBe('hi');
    expect(await viewer.ask({ type: 'close', connection: id, code: 999 })).toMatchObject({ code: 'malformed' });
    expect(await viewer.ask({ type: 'close', connection: id, code: 4000, reason: 'enough' })).toMatchObject({
      type: 'troupe.done',
      status: 'ok',
    });
    expect(await client.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(await viewer.ask({ type: 'close', connection: 'none' })).toMatchObject({ code: 'unknown' });
  });
});
