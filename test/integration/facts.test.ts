/** What is told of real connections, for each of the three forms; and that nothing is made when nobody wants to know. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  BasePath,
  defineService,
  OnTextMessage,
  serviceSetup,
  WebSocketUpgradePath,
  type Connection,
  type TroupeEventName,
} from 'troupe';
import { SimulatedClock } from 'xstate';
import { eventNames, Events } from '../../src/telemetry/events.ts';
import { connect, refused } from '../support/client.ts';
import { announcer, at, echo, forms } from '../support/forms.ts';
import { createGate, Inbox, turn } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

/** Everything that comes by the channels, in order: `[name, message]`. */
function hearAll(names: readonly TroupeEventName[] = eventNames) {
  const heard = new Inbox<readonly [TroupeEventName, Record<string, unknown>]>();
  for (const name of names) {
    const listener = (message: unknown): void => heard.push([name, message as Record<string, unknown>]);
    subscribe(`troupe:${name}`, listener);
    onTestFinished(() => void unsubscribe(`troupe:${name}`, listener));
  }
  return heard;
}

describe.each(forms)('of a service made with %s', (form) => {
  it('each fact of a connection comes by its channel, from the upgrade to the end', async () => {
    const heard = hearAll();
    const server = await serve([announcer(form, at(path))]);
    const client = await connect(server.url(path));
    expect(await client.next()).toBe('joined');
    client.send('né');
    expect(await client.next()).toBe('né');
    const [{ id } = { id: '' }] = server.troupe.connections(path).items;
    await client.close(1000, 'bye');
    await heard.until(([name]) => name === 'connection.closed');

    const service = path;
    const { troupe } = server;
    const of = (name: TroupeEventName) => heard.all.filter(([other]) => other === name).map(([, message]) => message);
    expect(of('upgrade.accepted')).toEqual([
      { troupe, connection: expect.objectContaining({ id, service }), durationMs: expect.any(Number) },
    ]);
    expect(of('connection.opened')).toEqual([{ troupe, connection: expect.objectContaining({ id, service }) }]);
    expect(of('message.received')).toEqual([{ troupe, connection: id, service, kind: 'text', bytes: 3 }]);
    expect(of('message.sent')).toEqual([
      { troupe, connection: id, service, kind: 'text', bytes: 6 },
      { troupe, connection: id, service, kind: 'text', bytes: 3 },
    ]);
    const handled = { troupe, connection: id, service, durationMs: expect.any(Number), isFailed: false };
    expect(of('handler.settled')).toEqual([
      { ...handled, event: 'ws.open' },
      { ...handled, event: 'ws.text' },
      { ...handled, event: 'ws.close' },
    ]);
    expect(of('connection.closed')).toEqual([
      { troupe, connection: expect.objectContaining({ id, state: 'closed' }), code: 1000, reason: 'bye' },
    ]);
    expect(heard.all.map(([name]) => name).filter((name) => name.startsWith('connection.o'))).toHaveLength(1);
    const order = heard.all.map(([name]) => name);
    expect(order.indexOf('upgrade.accepted')).toBeLessThan(order.indexOf('connection.opened'));
  });

  it('the transitions of the chart of a connection are named, with the states that follow', async () => {
    const server = await serve([announcer(form, at(path))]);
    const steps = watch(server.troupe, 'connection.transitioned');
    const client = await connect(server.url(path));
    await client.next();
    client.send('x');
    await client.next();
    await client.close(1000);
    const last = await steps.until(({ states }) => states.includes('connection.closed'));

    const within = 'connection.connected';
    const beside = [
      `${within}.outbound.flowing`,
      `${within}.inbound.flowing`,
      `${within}.liveness.alive.heard`,
      `${within}.authentication.authValid`,
    ];
    const [id] = new Set(steps.all.map(({ connection }) => connection));
    const of = { connection: id, service: path };
    const [beginning, opened, received, handled] = steps.all;
    expect(beginning).toEqual({
      ...of,
      event: 'xstate.init',
      edges: [],
      states: [`${within}.lifecycle.open.opening`, ...beside],
    });
    expect(opened).toEqual({
      ...of,
      event: 'handler.settled',
      edges: [
        {
          source: `${within}.lifecycle.open.opening`,
          targets: [`${within}.lifecycle.open.ready`],
          event: 'handler.settled',
        },
      ],
      states: [`${within}.lifecycle.open.ready`, ...beside],
    });
    // As the chart says it, not as it came.
    expect(received).toMatchObject({ event: 'ws.text', edges: [{ event: 'ws.*' }] });
    expect(handled).toMatchObject({ event: 'handler.settled', states: [`${within}.lifecycle.open.ready`, ...beside] });
    expect(last.edges.at(-1)).toMatchObject({ source: `${within}.lifecycle.closing`, targets: ['connection.closed'] });
  });

  it('a failure is said of the handler that failed', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const service = failing(form, fail);
    const server = await serve([service]);
    watch(server.troupe, 'connection.crashed');
    const settled = watch(server.troupe, 'handler.settled');
    const client = await connect(server.url(path));
    client.send('x');
    expect((await client.closed).code).toBe(1011);
    expect(await settled.next()).toMatchObject({ event: 'ws.text', isFailed: true, service: path });
  });

  it('nothing is made and nothing is timed when nobody listens', async () => {
    const now = vi.spyOn(performance, 'now');
    const emit = vi.spyOn(Events.prototype, 'emit');
    onTestFinished(() => {
      now.mockRestore();
      emit.mockRestore();
    });
    // Its deadlines come by another clock.
    const server = await serve([echo(form, at(path))], { clock: new SimulatedClock() });
    const { troupe } = server;
    const client = await connect(server.url(path));
    client.send('hello');
    expect(await client.next()).toBe('hello');
    await refused(server.url('/nothing'));
    const [{ id } = { id: '' }] = troupe.connections(path).items;
    await troupe.pushTextToConnection('nobody', 'lost');
    await client.close(1000);
    expect(id).not.toBe('');
    expect([now.mock.calls.length, emit.mock.calls.map(([name]) => name)]).toEqual([0, []]);
  });
});

function failing(form: (typeof forms)[number], fail: () => never) {
  const base = at(path);
  if (form === 'handlers') return defineService({ ...base, onTextMessage: fail });
  if (form === 'machine') {
    return defineService({
      ...base,
      machine: serviceSetup()
        .extend({ actions: { fail } })
        .createMachine({ id: 'failing', on: { 'ws.text': { actions: 'fail' } } }),
    });
  }
  @BasePath(base.basePath)
  @WebSocketUpgradePath(base.webSocketUpgradePath)
  class Failing {
    @OnTextMessage()
    said(_connection: Connection, _text: string) {
      fail();
    }
  }
  return Failing;
}

function fail(): never {
  throw new Error('broken');
}

describe('of handlers', () => {
  it('the time that an asynchronous one takes ends when it has settled', async () => {
    const gate = createGate();
    const service = defineService({ ...at(path), onTextMessage: () => gate.opened });
    const server = await serve([service]);
    const received = watch(server.troupe, 'message.received');
    const settled = watch(server.troupe, 'handler.settled');
    const client = await connect(server.url(path));
    const before = performance.now();
    client.send('x');
    await received.next();
    expect(settled.all).toEqual([]);
    // From when it has it: on its way a message may take longer than this.
    const since = performance.now();
    while (performance.now() - since < 5) await turn();
    gate.open();
    const { durationMs, isFailed } = await settled.next();
    expect(durationMs).toBeGreaterThan(1);
    expect(durationMs).toBeLessThanOrEqual(performance.now() - before);
    expect(isFailed).toBe(false);
  });

  it('one that rejects has failed', async () => {
    const service = defineService({ ...at(path), onTextMessage: () => Promise.reject(new Error('broken')) });
    const server = await serve([service]);
    watch(server.troupe, 'connection.crashed');
    const settled = watch(server.troupe, 'handler.settled');
    const client = await connect(server.url(path));
    client.send('x');
    expect(await settled.next()).toMatchObject({ event: 'ws.text', isFailed: true });
  });

  it.each<[string, () => unknown, boolean]>([
    ['at once', () => undefined, false],
    ['later', () => turn(), false],
    ['and throws', fail, true],
    ['and rejects', () => Promise.reject(new Error('broken')), true],
  ])('onError is timed like the others: one that settles %s', async (_how, onError, isFailed) => {
    const server = await serve([defineService({ ...at(path), onTextMessage: fail, onError })]);
    watch(server.troupe, 'connection.crashed');
    watch(server.troupe, 'callback.failed');
    const settled = watch(server.troupe, 'handler.settled');
    const client = await connect(server.url(path));
    client.send('x');

    expect(await settled.next()).toMatchObject({ event: 'ws.text', isFailed: true });
    const fact = { service: path, event: 'ws.error', isFailed, durationMs: expect.any(Number) as number };
    expect(await settled.next()).toMatchObject(fact);
    await client.closed;
    expect(settled.all).toHaveLength(2);
  });

  it('a machine is timed for an error that it is told of, and not for one by which it has failed', async () => {
    const machine = serviceSetup()
      .extend({ actions: { fail } })
      .createMachine({
        id: 'failing',
        on: { 'ws.text': { actions: 'fail' }, 'ws.error': { actions: () => undefined } },
      });
    const server = await serve([defineService({ ...at(path), machine, limits: { maxPayload: 10 } })]);
    watch(server.troupe, 'connection.crashed');
    const settled = watch(server.troupe, 'handler.settled');
    for (const [text, event] of [
      ['x', 'ws.text'],
      ['more than ten bytes', 'ws.error'],
    ] as const) {
      const client = await connect(server.url(path));
      client.send(text);
      await client.closed;
      expect(await settled.next()).toMatchObject({ event, isFailed: event === 'ws.text' });
    }
    expect(settled.all).toHaveLength(2);
  });

  it('whoever begins to listen in the middle hears of the next one', async () => {
    const gate = createGate();
    const started = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection: Connection, text: string) {
        started.push(text);
        await gate.opened;
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('first');
    await started.next();
    const settled = watch(server.troupe, 'handler.settled');
    gate.open();
    client.send('second');
    await started.next();
    await settled.next();
    expect(settled.all).toHaveLength(1);
  });
});

describe('of messages', () => {
  it('the size is that of the message, text in UTF-8, whatever the frame around it', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const facts = [watch(server.troupe, 'message.received'), watch(server.troupe, 'message.sent')];
    const client = await connect(server.url(path));
    for (const message of ['', '€', 'x'.repeat(200), 'é'.repeat(40_000), new Uint8Array(70_000)]) {
      client.send(message);
      await client.next();
    }
    for (const { all } of facts) {
      expect(all.map(({ kind, bytes }) => [kind, bytes])).toEqual([
        ['text', 0],
        ['text', 3],
        ['text', 200],
        ['text', 80_000],
        ['binary', 70_000],
      ]);
    }
  });

  it('one that was broadcast is sent as often as it has receivers', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const clients = [await connect(server.url(path)), await connect(server.url(path))];
    const sent = watch(server.troupe, 'message.sent');
    server.troupe.broadcastText(path, 'all');
    for (const client of clients) expect(await client.next()).toBe('all');
    expect(new Set(sent.all.map(({ connection }) => connection)).size).toBe(2);
  });
});

describe('of upgrades', () => {
  it('a refused one says how long it took, and of which service it was', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const facts = watch(server.troupe, 'upgrade.refused');
    await refused(server.url(path), { origin: 'http://evil.example' });
    await refused(server.url('/nothing'));
    expect(await facts.next()).toMatchObject({ status: 403, path, service: path, durationMs: expect.any(Number) });
    const unknown = await facts.next();
    expect(unknown).toMatchObject({ status: 404, path: '/nothing', durationMs: expect.any(Number) });
    expect('service' in unknown).toBe(false);
  });
});

describe('of the machine of a service', () => {
  const machine = serviceSetup().createMachine({
    id: 'door',
    initial: 'shut',
    states: {
      shut: { on: { 'ws.text': 'passing', 'ws.binary': { actions: { type: 'pushText', params: { text: 'what?' } } } } },
      // Left at once: what XState interprets, and no plan holds.
      passing: { always: { target: 'ajar.wide' } },
      ajar: {
        id: 'open',
        initial: 'wide',
        states: { wide: { on: { 'ws.text': { target: 'narrow' } } }, narrow: { type: 'final' } },
      },
    },
  });

  it('transitions and states are named by their path, whatever their id', async () => {
    const server = await serve([defineService({ ...at(path), machine })]);
    const steps = watch(server.troupe, 'machine.transitioned');
    const client = await connect(server.url(path));
    expect(await steps.next()).toMatchObject({
      service: path,
      machine: 'door',
      event: 'xstate.init',
      edges: [],
      states: ['door.shut'],
    });
    client.send('x');
    const [first, second] = [await steps.next(), await steps.next()];
    expect(first).toMatchObject({
      event: 'ws.text',
      edges: [{ source: 'door.shut', targets: ['door.passing'], event: 'ws.text' }],
      states: ['door.passing'],
    });
    expect(second).toMatchObject({
      edges: [{ source: 'door.passing', targets: ['door.ajar.wide'], event: '' }],
      states: ['door.ajar.wide'],
    });
    client.send('x');
    expect(await steps.next()).toMatchObject({
      edges: [{ source: 'door.ajar.wide', targets: ['door.ajar.narrow'], event: 'ws.text' }],
      states: ['door.ajar.narrow'],
    });
  });

  it('a transition that leads nowhere else is one all the same, and an event that is not accepted is none', async () => {
    const server = await serve([defineService({ ...at(path), machine })]);
    const steps = watch(server.troupe, 'machine.transitioned');
    const client = await connect(server.url(path));
    client.send(Uint8Array.of(1));
    client.send('x');
    client.send(Uint8Array.of(2));
    client.send('x');
    await steps.until(({ states }) => states.includes('door.ajar.narrow'));
    expect(steps.all.map(({ event, edges }) => [event, edges.map(({ targets }) => targets)])).toEqual([
      ['xstate.init', []],
      ['ws.binary', [[]]],
      ['ws.text', [['door.passing']]],
      ['ws.text', [['door.ajar.wide']]],
      ['ws.text', [['door.ajar.narrow']]],
    ]);
  });
});
