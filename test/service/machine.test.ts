import { describe, expect, it } from 'vitest';
import { assign, createActor, enqueueActions, setup, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { connectionActions, defineService, serviceSetup, type Connection } from 'troupe';
import { bindToConnection, boundConnection } from '../../src/service/bound-connection.ts';
import { isMachine } from '../../src/service/machine.ts';
import { connect } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';

type Call = [name: string, ...args: unknown[]];

/** A connection that writes down which of its functions were called. */
function recordingConnection() {
  const calls: Call[] = [];
  const connection = new Proxy(
    { id: 'c1' },
    {
      get: (target, name) =>
        name === 'id' ? target.id : (...args: unknown[]) => void calls.push([String(name), ...args]),
    },
  );
  return { calls, connection: connection as unknown as Connection };
}

/** Runs `machine` for a connection, or for none; what it threw, and what it called. */
function run(machine: AnyStateMachine, ...events: { type: string; [field: string]: unknown }[]) {
  const { calls, connection } = recordingConnection();
  const errors: unknown[] = [];
  const actor = createActor(machine, { input: { connection: {} } });
  bindToConnection(actor, connection);
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  for (const event of events) actor.send(event);
  return { calls, errors };
}

const data = Uint8Array.of(1);

/** Each action with its parameters, and the call that it stands for. */
const actions = [
  [{ type: 'pushText', params: { text: 't' } }, ['pushText', 't', undefined]],
  [{ type: 'pushText', params: { text: 't', key: 'k' } }, ['pushText', 't', { key: 'k' }]],
  [{ type: 'pushBinary', params: { data } }, ['pushBinary', data, undefined]],
  [{ type: 'pushBinary', params: { data, key: 'k' } }, ['pushBinary', data, { key: 'k' }]],
  [{ type: 'broadcastText', params: { text: 't' } }, ['broadcastText', 't', undefined]],
  [{ type: 'broadcastText', params: { text: 't', exceptSelf: true } }, ['broadcastText', 't', { except: ['c1'] }]],
  [{ type: 'broadcastText', params: { text: 't', exceptSelf: false } }, ['broadcastText', 't', undefined]],
  [
    { type: 'broadcastText', params: { text: 't', exceptSelf: true, key: 'k' } },
    ['broadcastText', 't', { except: ['c1'], key: 'k' }],
  ],
  [{ type: 'broadcastBinary', params: { data } }, ['broadcastBinary', data, undefined]],
  [{ type: 'broadcastBinary', params: { data, key: 'k' } }, ['broadcastBinary', data, { key: 'k' }]],
  [{ type: 'broadcastBinary', params: { data, exceptSelf: true } }, ['broadcastBinary', data, { except: ['c1'] }]],
  [{ type: 'storeConnection', params: { name: 'n' } }, ['storeConnection', 'n']],
  [{ type: 'pushTextToConnection', params: { name: 'n', text: 't' } }, ['pushTextToConnection', 'n', 't', undefined]],
  [
    { type: 'pushTextToConnection', params: { name: 'n', text: 't', key: 'k' } },
    ['pushTextToConnection', 'n', 't', { key: 'k' }],
  ],
  [{ type: 'pushBinaryToConnection', params: { name: 'n', data } }, ['pushBinaryToConnection', 'n', data, undefined]],
  [
    { type: 'pushBinaryToConnection', params: { name: 'n', data, key: 'k' } },
    ['pushBinaryToConnection', 'n', data, { key: 'k' }],
  ],
  [{ type: 'removeStoredConnection', params: { name: 'n' } }, ['removeStoredConnection', 'n']],
  [{ type: 'addConnectionToGroup', params: { group: 'g' } }, ['addConnectionToGroup', 'g']],
  [{ type: 'pushTextToGroup', params: { group: 'g', text: 't' } }, ['pushTextToGroup', 'g', 't', undefined]],
  [
    { type: 'pushTextToGroup', params: { group: 'g', text: 't', exceptSelf: true } },
    ['pushTextToGroup', 'g', 't', { except: ['c1'] }],
  ],
  [
    { type: 'pushTextToGroup', params: { group: 'g', text: 't', key: 'k' } },
    ['pushTextToGroup', 'g', 't', { key: 'k' }],
  ],
  [{ type: 'pushBinaryToGroup', params: { group: 'g', data } }, ['pushBinaryToGroup', 'g', data, undefined]],
  [
    { type: 'pushBinaryToGroup', params: { group: 'g', data, key: 'k' } },
    ['pushBinaryToGroup', 'g', data, { key: 'k' }],
  ],
  [
    { type: 'pushBinaryToGroup', params: { group: 'g', data, exceptSelf: true } },
    ['pushBinaryToGroup', 'g', data, { except: ['c1'] }],
  ],
  [{ type: 'removeConnectionFromGroup', params: { group: 'g' } }, ['removeConnectionFromGroup', 'g']],
  [{ type: 'removeConnectionGroup', params: { group: 'g' } }, ['removeConnectionGroup', 'g', { retire: false }]],
  [
    { type: 'removeConnectionGroup', params: { group: 'g', retire: true } },
    ['removeConnectionGroup', 'g', { retire: true }],
  ],
  [{ type: 'closeConnection' }, ['closeConnection', undefined, undefined]],
  [{ type: 'closeConnection', params: { code: 4000, reason: 'r' } }, ['closeConnection', 4000, 'r']],
  [{ type: 'refreshAuth', params: { auth: 'a' } }, ['refreshAuth', 'a', { expiresAt: undefined }]],
  [{ type: 'refreshAuth', params: { auth: 'a', expiresAt: 5 } }, ['refreshAuth', 'a', { expiresAt: 5 }]],
  [{ type: 'closeStoredConnection', params: { name: 'n' } }, ['closeStoredConnection', 'n', undefined, undefined]],
  [
    { type: 'closeStoredConnection', params: { name: 'n', code: 4000, reason: 'r' } },
    ['closeStoredConnection', 'n', 4000, 'r'],
  ],
  [{ type: 'closeConnectionGroup', params: { group: 'g' } }, ['closeConnectionGroup', 'g', undefined, undefined]],
  [
    { type: 'closeConnectionGroup', params: { group: 'g', code: 4000, reason: 'r' } },
    ['closeConnectionGroup', 'g', 4000, 'r'],
  ],
] as const;

/** A machine made without types, as one from a file would be. */
function machineOf(config: unknown): AnyStateMachine {
  return serviceSetup().createMachine(config as object);
}

describe('every function of a connection as an action', () => {
  it.each(actions)('%j reaches the connection', (action, call) => {
    const { calls, errors } = run(machineOf({ entry: action }));
    expect(errors).toEqual([]);
    expect(calls).toEqual([call]);
  });

  it('is there: no function is missing', () => {
    const own = new Set<string>(actions.map(([{ type }]) => type));
    expect([...own].toSorted()).toEqual(Object.keys(connectionActions).toSorted());
  });

  it('takes parameters that are a function of context and event', () => {
    const machine = serviceSetup<{ nick: string }>().createMachine({
      context: { nick: 'someone' },
      on: {
        'ws.text': {
          actions: {
            type: 'pushTextToGroup',
            params: ({ context, event }) => ({ group: 'lobby', text: `${context.nick}: ${event.text}` }),
          },
        },
      },
    });
    expect(run(machine, { type: 'ws.text', text: 'hi' }).calls).toEqual([
      ['pushTextToGroup', 'lobby', 'someone: hi', undefined],
    ]);
  });

  it('works when it is enqueued, and from an actor that the machine invokes or spawns', () => {
    const child = serviceSetup().createMachine({ entry: { type: 'pushText', params: { text: 'from the child' } } });
    const machine = machineOf({
      invoke: { src: child, input: {} },
      entry: enqueueActions(({ enqueue }) => {
        enqueue({ type: 'pushText', params: { text: 'enqueued' } });
        enqueue.spawnChild(child);
      }),
    });
    expect(
      run(machine)
        .calls.map(([, text]) => String(text))
        .toSorted(),
    ).toEqual(['enqueued', 'from the child', 'from the child']);
  });

  it('stands in the machine as plain data, so that the machine can be stored and drawn', () => {
    const config = {
      initial: 'a',
      states: { a: { on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'x' } } } } } },
    };
    expect(JSON.parse(JSON.stringify(machineOf(config).config))).toEqual(config);
  });

  it('may be replaced by provide, so that a machine is tested without a connection', () => {
    const pushed: string[] = [];
    const machine = serviceSetup()
      .createMachine({ entry: { type: 'pushText', params: { text: 'hello' } } })
      .provide({ actions: { pushText: (_, { text }) => void pushed.push(text) } });
    createActor(machine, { input: {} as never }).start();
    expect(pushed).toEqual(['hello']);
  });
});

describe('an action outside a connection', () => {
  it.each(actions)('%j is the typed error with the remedy', (action) => {
    const errors: unknown[] = [];
    const actor = createActor(machineOf({ on: { go: { actions: action } } }), { input: {} as never });
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    actor.send({ type: 'go' } as never);
    expect(errors).toEqual([
      expect.objectContaining({
        code: 'TROUPE_ACTION_OUTSIDE_CONNECTION',
        fields: { action: action.type },
        message: expect.stringContaining('defineService({ machine })'),
      }),
    ]);
  });
});

describe('the connection of an actor', () => {
  it("is its own or the nearest parent's", () => {
    const { connection } = recordingConnection();
    const child = setup({}).createMachine({});
    const parent = createActor(setup({ actors: { child } }).createMachine({ invoke: { src: 'child', id: 'child' } }));
    parent.start();
    const inner = parent.getSnapshot().children['child'] as AnyActorRef;
    expect(boundConnection(inner)).toBeUndefined();
    bindToConnection(parent, connection);
    expect(boundConnection(inner)).toBe(connection);
    expect(boundConnection(parent)).toBe(connection);
  });
});

describe('a machine', () => {
  it('is known by its shape, as a program may have its own copy of XState', () => {
    const machine = serviceSetup().createMachine({});
    expect(isMachine(machine)).toBe(true);
    expect(isMachine({ implementations: {}, root: {}, provide: () => machine })).toBe(true);
    for (const other of [
      undefined,
      null,
      'x',
      {},
      setup({}),
      machine.config,
      class Machine {
        field = 1;
      },
    ]) {
      expect(isMachine(other)).toBe(false);
    }
  });
});

describe('a service of a machine', () => {
  it('gets the information of its connection as input, and has its actions carried out', async () => {
    const machine = serviceSetup<{ who: string }>().createMachine({
      context: ({ input }) => ({ who: `${input.connection.service} ${input.connection.params['room']}` }),
      on: {
        'ws.open': { actions: { type: 'pushText', params: ({ context }) => ({ text: context.who }) } },
        'ws.text': { actions: { type: 'closeConnection', params: { code: 4000, reason: 'enough' } } },
      },
    });
    const server = await serve([
      defineService({ name: 'chat', basePath: '/chat', webSocketUpgradePath: '/{room}', machine }),
    ]);
    const client = await connect(server.url('/chat/lobby'));
    expect(await client.next()).toBe('chat lobby');
    client.send('go');
    expect(await client.closed).toEqual({ code: 4000, reason: 'enough' });
  });

  it('made with plain setup() runs as well, each connection on its own', async () => {
    const machine = setup({
      types: {} as { context: { count: number }; events: { type: 'ws.text'; text: string } },
    }).createMachine({
      context: { count: 0 },
      initial: 'counting',
      states: {
        counting: {
          always: { guard: ({ context }) => context.count === 2, target: 'done' },
          on: { 'ws.text': { actions: assign({ count: ({ context }) => context.count + 1 }) } },
        },
        done: { type: 'final' },
      },
    });
    const server = await serve([defineService({ basePath: '/count', machine })]);
    const [one, two] = [await connect(server.url('/count')), await connect(server.url('/count'))];
    for (const client of [one, two, one]) client.send('x');
    expect((await one.closed).code).toBe(1000);
    await two.ping();
    expect(server.troupe.connections('/count').items).toHaveLength(1);
  });

  it('whose action is given a wrong argument ends its connection with 1011 and is reported', async () => {
    const machine = machineOf({ on: { 'ws.text': { actions: { type: 'storeConnection', params: { name: '' } } } } });
    const server = await serve([defineService({ basePath: '/wrong', machine })]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url('/wrong'));
    client.send('x');
    expect((await client.closed).code).toBe(1011);
    expect((await crashes.next()).error).toMatchObject({ code: 'TROUPE_ARGUMENT_INVALID' });
  });
});
