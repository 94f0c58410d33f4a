import { describe, expect, it } from 'vitest';
import { SimulatedClock, assign, fromPromise, raise, setup } from 'xstate';
import { defineService, serviceSetup, type Connection, type ServiceSource, type WsEvent } from 'troupe';
import { connect } from '../support/client.ts';
import { at, echo, secret } from '../support/forms.ts';
import { createGate, Inbox } from '../support/inbox.ts';
import { advanceUntil, serve, watch, type ServeOptions, type Server } from '../support/server.ts';

const path = '/test/websocket';

/** The server with the failing service and a healthy one beside it. */
async function serveBeside(service: ServiceSource, options: ServeOptions = {}): Promise<Server> {
  return serve([service, echo('handlers', at('/healthy/ws'))], options);
}

async function expectHealth(server: Server): Promise<void> {
  const client = await connect(server.url('/healthy/ws'));
  client.send('alive');
  expect(await client.next()).toBe('alive');
}

/** Handlers that fail, by the message that makes them. */
function failing(fail: () => unknown): Partial<Record<'onOpen' | 'onTextMessage' | 'onBinaryMessage', () => unknown>> {
  return { onTextMessage: fail };
}

const failures: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error(secret);
    },
  ],
  ['rejects', () => Promise.reject(new Error(secret))],
  [
    'rejects later',
    async () => {
      await new Promise(setImmediate);
      throw new Error(secret);
    },
  ],
  [
    'throws something that is no error',
    () => {
      // eslint-disable-next-line no-throw-literal
      throw secret as unknown as Error;
    },
  ],
  [
    'throws nothing at all',
    () => {
      throw undefined as unknown as Error;
    },
  ],
  [
    'returns a thenable that fails',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the very thing under test
      then(_resolve: unknown, reject: (error: Error) => void) {
        reject(new Error(secret));
      },
    }),
  ],
];

describe.each(failures)('a handler that %s', (_title, fail) => {
  it.each(['onOpen', 'onTextMessage', 'onBinaryMessage'] as const)(
    'in %s ends its connection with 1011, reports it and keeps its words',
    async (handler) => {
      const closes = new Inbox<number>();
      const service = defineService({
        ...at(path),
        ...failing(() => undefined),
        [handler]: fail,
        onClose(_connection: Connection, { code }: { code: number }) {
          closes.push(code);
        },
      });
      const server = await serveBeside(service);
      const crashes = watch(server.troupe, 'connection.crashed');
      const client = await connect(server.url(path));
      if (handler === 'onTextMessage') client.send('go');
      if (handler === 'onBinaryMessage') client.send(Uint8Array.of(1));

      const { code, reason } = await client.closed;

      expect(code).toBe(1011);
      expect(reason).not.toContain('secret');
      const crash = await crashes.next();
      expect(crash).toMatchObject({ service: path, connection: { service: path } });
      expect(crash).toHaveProperty('state');
      expect(crash).toHaveProperty('during');
      expect(await closes.next()).toBe(1011);
      expect((await server.troupe.connections(path)).items).toEqual([]);
      expect(crashes.all).toHaveLength(1);
      expect(closes.all).toHaveLength(1);
      await expectHealth(server);
    },
  );

  it('in onClose is reported and harms nobody', async () => {
    const service = defineService({ ...at(path), onClose: fail as () => void });
    const server = await serveBeside(service);
    const crashes = watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));

    expect(await client.close(1000)).toEqual({ code: 1000, reason: '' });

    await crashes.next();
    await closed.next();
    expect((await server.troupe.connections(path)).items).toEqual([]);
    await expectHealth(server);
  });
});

describe('a crash', () => {
  it('leaves the other connections of its service open', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection, text: string) {
        if (text === 'fail') throw new Error(secret);
        connection.pushText(text);
      },
    });
    const server = await serveBeside(service);
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(server.url(path))));
    const [victim, ...others] = clients;
    victim?.send('fail');
    await victim?.closed;

    for (const other of others) {
      other.send('still here');
      expect(await other.next()).toBe('still here');
    }
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 4 });
  });

  it('drops the messages that were waiting behind the failed one', async () => {
    const handled: string[] = [];
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection, text: string) {
        handled.push(text);
        await new Promise(setImmediate);
        throw new Error(secret);
      },
    });
    const server = await serveBeside(service);
    const client = await connect(server.url(path));
    client.send('first');
    client.send('second');
    client.send('third');

    expect((await client.closed).code).toBe(1011);

    await expectHealth(server);
    expect(handled).toEqual(['first']);
  });

  it('delivers what the handler pushed before it failed', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.pushText('before');
        throw new Error(secret);
      },
    });
    const server = await serveBeside(service);
    const client = await connect(server.url(path));
    client.send('go');

    expect((await client.closed).code).toBe(1011);
    expect(await client.untilClosed()).toEqual(['before']);
  });

  it('tells in which handler and with which error it happened', async () => {
    const error = new Error(secret);
    const service = defineService({
      ...at(path),
      onTextMessage() {
        throw error;
      },
    });
    const server = await serveBeside(service);
    const crashes = watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url(path));
    client.send('go');

    const crash = await crashes.next();

    expect(crash.error).toBe(error);
    expect(crash.during).toMatch(/text/i);
    expect(JSON.stringify(crash.state.connection)).toContain('message');
  });

  it('of a class instance ends its connection only', async () => {
    const { BasePath, OnTextMessage, WebSocketUpgradePath } = await import('troupe');
    @BasePath('/test')
    @WebSocketUpgradePath('/websocket')
    class Fragile {
      constructor() {
        Fragile.made += 1;
        if (Fragile.made === 2) throw new Error(secret);
      }
      static made = 0;
      @OnTextMessage()
      said(connection: Connection, text: string) {
        connection.pushText(text);
      }
    }
    const server = await serveBeside(Fragile);
    const first = await connect(server.url(path));
    const second = await connect(server.url(path));

    const { code, reason } = await second.closed;
    expect(code).toBe(1011);
    expect(reason).not.toContain('secret');
    first.send('fine');
    expect(await first.next()).toBe('fine');
  });
});

describe('a machine', () => {
  const failingMachines = {
    'whose action throws': () =>
      serviceSetup()
        .extend({
          actions: {
            fail: () => {
              throw new Error(secret);
            },
          },
        })
        .createMachine({ on: { 'ws.text': { actions: 'fail' } } }),
    'whose guard throws': () =>
      serviceSetup()
        .extend({
          guards: {
            fail: () => {
              throw new Error(secret);
            },
          },
        })
        .createMachine({ on: { 'ws.text': { guard: 'fail', actions: { type: 'pushText', params: { text: 'x' } } } } }),
    'whose assignment throws': () =>
      serviceSetup<{ count: number }>()
        .extend({
          actions: {
            fail: assign(() => {
              throw new Error(secret);
            }),
          },
        })
        .createMachine({ context: { count: 0 }, on: { 'ws.text': { actions: 'fail' } } }),
    'whose action has wrong parameters': () =>
      serviceSetup().createMachine({
        on: { 'ws.text': { actions: { type: 'pushText', params: { text: 5 as unknown as string } } } },
      }),
    'whose action rejects': () =>
      serviceSetup()
        .extend({ actions: { fail: async () => Promise.reject(new Error(secret)) } })
        .createMachine({ on: { 'ws.text': { actions: 'fail' } } }),
    'whose invoked promise rejects unheard': () =>
      setup({
        types: {} as { events: WsEvent },
        actors: { fail: fromPromise(() => Promise.reject(new Error(secret))) },
      }).createMachine({
        initial: 'calm',
        states: { calm: { on: { 'ws.text': 'asking' } }, asking: { invoke: { src: 'fail' } } },
      }),
    'that loops for ever through `raise`': () =>
      serviceSetup().createMachine({
        on: { 'ws.text': { actions: raise({ type: 'ws.idle' }) }, 'ws.idle': { actions: raise({ type: 'ws.idle' }) } },
      }),
    'that loops for ever through `always`': () =>
      serviceSetup().createMachine({
        initial: 'calm',
        states: {
          calm: { on: { 'ws.text': 'here' } },
          here: { always: 'there' },
          there: { always: 'here' },
        },
      }),
  };

  it.each(Object.entries(failingMachines))('%s ends its connection only, with 1011', async (_title, make) => {
    const server = await serveBeside(defineService({ ...at(path), machine: make() }));
    const crashes = watch(server.troupe, 'connection.crashed');
    const [victim, other] = [await connect(server.url(path)), await connect(server.url(path))];
    victim.send('go');

    const { code, reason } = await victim.closed;

    expect(code).toBe(1011);
    expect(reason).not.toContain('secret');
    expect(await crashes.next()).toMatchObject({ service: path });
    await other.ping();
    expect(server.troupe.broadcastText(path, 'the other lives')).toMatchObject({ count: 1 });
    expect(await other.next()).toBe('the other lives');
    await expectHealth(server);
  });

  it('that fails when it starts ends its connection with 1011', async () => {
    const machine = serviceSetup<{ x: number }>().createMachine({
      context: () => {
        throw new Error(secret);
      },
      on: { 'ws.text': {} },
    });
    const server = await serveBeside(defineService({ ...at(path), machine }));
    const client = await connect(server.url(path));

    expect((await client.closed).code).toBe(1011);
    await expectHealth(server);
  });

  it('that fails in a delayed transition ends its connection with 1011', async () => {
    const clock = new SimulatedClock();
    const machine = serviceSetup()
      .extend({
        actions: {
          fail: () => {
            throw new Error(secret);
          },
        },
      })
      .createMachine({
        initial: 'waiting',
        states: {
          waiting: {
            on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'ok' } } } },
            after: { 5_000: { actions: 'fail' } },
          },
        },
      });
    const server = await serveBeside(defineService({ ...at(path), machine }), { clock });
    const client = await connect(server.url(path));
    client.send('x');
    await client.next();

    expect((await advanceUntil(clock, client.closed, { limitMs: 10_000 })).code).toBe(1011);
    await expectHealth(server);
  });

  it('has the delays of its own, driven by the clock, and none after its end', async () => {
    const clock = new SimulatedClock();
    const ticks = new Inbox<string>();
    const machine = serviceSetup()
      .extend({
        actions: {
          tick: () => {
            ticks.push('tick');
          },
        },
      })
      .createMachine({
        initial: 'waiting',
        states: { waiting: { after: { 1_000: { target: 'waiting', reenter: true, actions: 'tick' } } } },
        on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'ok' } } } },
      });
    const server = await serveBeside(defineService({ ...at(path), machine }), { clock });
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('x');
    await client.next();
    for (let second = 0; second < 3; second += 1) clock.increment(1_000);
    expect(ticks.all).toHaveLength(3);

    await client.terminate();
    await closed.next();
    for (let second = 0; second < 3; second += 1) clock.increment(1_000);

    expect(ticks.all).toHaveLength(3);
  });
});

describe('a handler that never settles', () => {
  it('holds its own connection only', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage: (connection: Connection, text: string) => {
        if (text === 'stuck') return new Promise<void>(() => undefined);
        connection.pushText(text);
        return undefined;
      },
    });
    const server = await serveBeside(service);
    const [stuck, other] = [await connect(server.url(path)), await connect(server.url(path))];
    stuck.send('stuck');
    stuck.send('never answered');
    await stuck.ping();

    other.send('answered');

    expect(await other.next()).toBe('answered');
    expect(stuck.messages.all).toEqual([]);
    // Pushes reach the stuck one all the same.
    server.troupe.broadcastText(path, 'news');
    expect(await stuck.next()).toBe('news');
  });

  it.each(['close', 'terminate'] as const)('does not keep its connection when the peer ends by %s', async (end) => {
    const clock = new SimulatedClock();
    const started = new Inbox<Connection>();
    const closes = new Inbox<number>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        await connection.storeConnection('alice');
        await connection.addConnectionToGroup('g');
        started.push(connection);
        await new Promise<void>(() => undefined);
      },
      onClose(_connection, { code }: { code: number }) {
        closes.push(code);
      },
    });
    const server = await serveBeside(service, { clock });
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('work');
    await started.next();

    const { code } = await client[end]();

    expect(code).toBe(end === 'close' ? 1005 : 1006);
    await advanceUntil(clock, closed.next(), { limitMs: 60_000 });
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    expect((await server.troupe.connections(path)).items).toEqual([]);
    expect(await closes.next()).toBe(code);
    expect(closes.all).toHaveLength(1);
  });

  it('does not keep the server from closing', async () => {
    const clock = new SimulatedClock();
    const gate = createGate();
    const started = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection, text: string) {
        started.push(text);
        await gate.opened;
      },
    });
    const server = await serveBeside(service, { clock });
    const client = await connect(server.url(path));
    client.send('work');
    await started.next();

    await advanceUntil(clock, server.troupe.close({ drain: { timeoutMs: 5_000 } }), { limitMs: 60_000 });

    expect([1001, 1006]).toContain((await client.closed).code);
  });
});

describe('a callback of the application', () => {
  it('that throws in troupe.on is reported and keeps nobody from hearing', async () => {
    const server = await serve([echo('handlers', at(path))]);
    server.troupe.on('connection.opened', () => {
      throw new Error('listener');
    });
    const failed = watch(server.troupe, 'callback.failed');
    const opened = watch(server.troupe, 'connection.opened');
    const client = await connect(server.url(path));
    client.send('fine');

    expect(await client.next()).toBe('fine');
    await opened.next();
    expect(String((await failed.next()).error)).toContain('listener');
  });

  it('that throws for callback.failed itself does not loop', async () => {
    const server = await serve([echo('handlers', at(path))]);
    let calls = 0;
    server.troupe.on('callback.failed', () => {
      calls += 1;
      throw new Error('again');
    });
    server.troupe.on('connection.opened', () => {
      throw new Error('listener');
    });
    const client = await connect(server.url(path));
    client.send('fine');

    expect(await client.next()).toBe('fine');
    expect(calls).toBeLessThan(5);
  });

  it('that inspects and throws harms no connection', async () => {
    let inspected = 0;
    const machine = serviceSetup().createMachine({
      on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'answered' } } } },
    });
    const server = await serve([defineService({ ...at(path), machine })], {
      inspect: () => {
        inspected += 1;
        throw new Error('inspector');
      },
    });
    const client = await connect(server.url(path));
    client.send('x');
    client.send('x');

    expect(await client.take(2)).toEqual(['answered', 'answered']);
    expect(inspected).toBeGreaterThan(0);
  });
});
