import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  sendParent,
  sendTo,
  setup,
  SimulatedClock,
  spawnChild,
  type AnyActor,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
  type InspectionEvent,
  type Observer,
  type Subscribable,
} from 'xstate';
import { isolateSystem, stopDescendants } from '../../src/runtime/isolation.ts';
import { ownLogic } from '../../src/runtime/own-logic.ts';
import { watchProcess } from '../support/escapes.ts';

interface Report {
  readonly actor: AnyActorRef;
  readonly error: unknown;
}

/** A system of which every machine that is made in it is isolated, unless it says otherwise. */
function newSystem({ isIsolated = true } = {}) {
  // An actor of the runtime itself, as the connection of a machine is.
  const heard: string[] = [];
  const root = createActor(
    ownLogic(
      fromTransition((state: null, { type }: EventObject) => {
        heard.push(type);
        return state;
      }, null),
    ),
    { id: 'root', clock: new SimulatedClock() },
  );
  const reports: Report[] = [];
  const observerErrors: unknown[] = [];
  const turns = { depth: 0 };
  if (isIsolated) {
    isolateSystem(root.system, {
      during(userCode) {
        turns.depth++;
        try {
          userCode();
        } finally {
          turns.depth--;
        }
      },
      actorFailed: (actor, error) => reports.push({ actor, error }),
      observerFailed: (error) => observerErrors.push(error),
    });
  }
  root.subscribe({ error: () => {} });
  root.start();
  const make = (logic: AnyActorLogic): AnyActor => createActor(logic, { parent: root, id: 'user' });
  return { root, heard, make, turns, reports, observerErrors };
}

const boom = (): Error => new Error('boom');
const rejects = async (): Promise<never> => {
  await Promise.resolve();
  throw boom();
};
const throws = (): never => {
  throw boom();
};
// An async function where a void one is expected, as a user may well write it.
const asyncAction = rejects as () => void;

/** Machines of which one action rejects, when they start or when they hear `go`. */
const rejecting: Readonly<Record<string, AnyStateMachine>> = {
  'an async entry action of the initial state': createMachine({ entry: asyncAction }),
  'an async entry action of a nested initial state': createMachine({
    initial: 'a',
    states: { a: { initial: 'b', states: { b: { entry: asyncAction } } } },
  }),
  'an async named entry action of the initial state': setup({ actions: { fail: asyncAction } }).createMachine({
    entry: 'fail',
  }),
  'an async inline action of a transition': createMachine({ on: { go: { actions: asyncAction } } }),
  'an async named action of a transition': setup({ actions: { fail: asyncAction } }).createMachine({
    on: { go: { actions: 'fail' } },
  }),
  'an async exit action': createMachine({ initial: 'a', states: { a: { exit: asyncAction, on: { go: 'b' } }, b: {} } }),
  'an async inline action that enqueueActions enqueues': createMachine({
    on: { go: { actions: enqueueActions(({ enqueue }) => enqueue(asyncAction)) } },
  }),
  'an async named action that enqueueActions enqueues': setup({ actions: { fail: asyncAction } }).createMachine({
    on: { go: { actions: enqueueActions(({ enqueue }) => enqueue('fail')) } },
  }),
  'an async action that a provided implementation brought': setup({ actions: { fail: () => {} } })
    .createMachine({ on: { go: { actions: 'fail' } } })
    .provide({ actions: { fail: asyncAction } }),
  'an async action before the final state': createMachine({
    initial: 'a',
    states: { a: { on: { go: { target: 'b', actions: asyncAction } } }, b: { type: 'final' } },
  }),
};

describe('an action that rejects', () => {
  it.each(Object.entries(rejecting))('is reported and goes no further: %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    const actor = make(machine).start();
    actor.send({ type: 'go' });
    expect(await escapes()).toEqual([]);
    expect(reports).toEqual([{ actor, error: boom() }]);
  });

  it.each(Object.entries(rejecting))('would reach the process without isolation: %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    newSystem({ isIsolated: false }).make(machine).start().send({ type: 'go' });
    expect(await escapes()).toEqual([boom()]);
  });

  const child = createMachine({ id: 'child', entry: asyncAction });

  it.each<[string, AnyStateMachine]>([
    ['invoked', createMachine({ invoke: { src: child, id: 'child' } })],
    ['spawned by an action', createMachine({ entry: spawnChild(child, { id: 'child' }) })],
    [
      'spawned by an assign',
      createMachine({ context: {}, entry: assign({ ref: ({ spawn }) => spawn(child, { id: 'child' }) }) }),
    ],
    [
      'spawned by enqueueActions',
      createMachine({ entry: enqueueActions(({ enqueue }) => enqueue.spawnChild(child, { id: 'child' })) }),
    ],
    [
      'invoked by an invoked machine',
      createMachine({ invoke: { src: createMachine({ invoke: { src: child, id: 'child' } }), id: 'middle' } }),
    ],
  ])('is reported for the child machine that is %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    make(machine).start();
    expect(await escapes()).toEqual([]);
    expect(reports.map(({ actor, error }) => [actor.id, error])).toEqual([['child', boom()]]);
  });

  it('leaves an action that resolves, and one that is not async, as they are', async () => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    const done: string[] = [];
    make(
      createMachine({
        entry: [() => done.push('sync'), (async () => done.push(await Promise.resolve('async'))) as () => void],
      }),
    ).start();
    expect(await escapes()).toEqual([]);
    expect(done).toEqual(['sync', 'async']);
    expect(reports).toEqual([]);
  });

  it('keeps handing params and event to actions', () => {
    const { make } = newSystem();
    const told: unknown[] = [];
    const machine = setup({
      actions: { tell: ({ event }, params: { to: string }) => told.push([event.type, params.to]) },
    }).createMachine({ on: { go: { actions: { type: 'tell', params: { to: 'you' } } } } });
    make(machine).start().send({ type: 'go' });
    expect(told).toEqual([['go', 'you']]);
  });
});

const talker = setup({ types: {} as { emitted: { type: 'said' } } }).createMachine({
  on: { go: { actions: emit({ type: 'said' }) }, fail: { actions: throws }, end: '.end' },
  initial: 'a',
  states: { a: {}, end: { type: 'final' } },
});

interface Escape {
  /** Attaches the callback that fails. */
  readonly attach: (actor: AnyActorRef) => unknown;
  readonly event: string;
}

const callbacks: Readonly<Record<string, Escape>> = {
  'a subscribed listener that throws': { attach: (actor) => actor.subscribe(throws), event: 'go' },
  'a subscribed listener that rejects': { attach: (actor) => actor.subscribe(asyncAction), event: 'go' },
  'an observer that throws': { attach: (actor) => actor.subscribe({ next: throws }), event: 'go' },
  'an observer of the end that throws': { attach: (actor) => actor.subscribe({ complete: throws }), event: 'end' },
  'a listener for an event that throws': { attach: (actor) => actor.on('said', throws), event: 'go' },
  'a listener for an event that rejects': { attach: (actor) => actor.on('said', asyncAction), event: 'go' },
  'a listener for every event that throws': { attach: (actor) => actor.on('*', throws), event: 'go' },
  'a listener for a selection that throws': {
    attach: (actor) =>
      (actor as ReturnType<typeof createActor<typeof talker>>).select(({ value }) => value).subscribe(throws),
    event: 'end',
  },
};

describe('a callback that fails', () => {
  it.each(Object.entries(callbacks))('is reported and goes no further: %s', async (_name, { attach, event }) => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    const actor = make(talker);
    actor.start();
    attach(actor);
    actor.send({ type: event });
    expect(await escapes()).toEqual([]);
    expect(reports).toEqual([{ actor, error: boom() }]);
  });

  it.each(Object.entries(callbacks))('would reach the process without isolation: %s', async (_name, escape) => {
    const { escapes } = watchProcess();
    const actor = newSystem({ isIsolated: false }).make(talker).start();
    escape.attach(actor);
    actor.send({ type: escape.event });
    expect(await escapes()).toEqual([boom()]);
  });

  it('leaves other callbacks on the same actor alone', () => {
    const { make } = newSystem();
    const actor = make(talker).start();
    let heard = 0;
    actor.subscribe(throws);
    actor.subscribe(() => heard++);
    actor.send({ type: 'go' });
    actor.send({ type: 'go' });
    expect(heard).toBe(2);
  });

  it('can be unsubscribed', () => {
    const { make, reports } = newSystem();
    const actor = make(talker).start();
    const subscriptions = [actor.subscribe(throws), actor.on('said', throws)];
    for (const subscription of subscriptions) subscription.unsubscribe();
    actor.send({ type: 'go' });
    expect(reports).toEqual([]);
  });
});

const failingObservable = {
  subscribe(observer: Observer<unknown>) {
    observer.error?.(boom());
    return { unsubscribe: () => {} };
  },
} as Subscribable<unknown>;

describe('a machine that crashes', () => {
  it('reaches nobody but those who observe it', async () => {
    const { escapes } = watchProcess();
    const { make } = newSystem();
    const errors: unknown[] = [];
    const actor = make(talker).start();
    actor.subscribe(() => {});
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.send({ type: 'fail' });
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: boom() });
    expect(errors).toEqual([boom()]);
    expect(await escapes()).toEqual([]);
  });

  it('would reach the process without isolation as soon as one listener takes no errors', async () => {
    const { escapes } = watchProcess();
    const actor = newSystem({ isIsolated: false }).make(talker).start();
    actor.subscribe(() => {});
    actor.send({ type: 'fail' });
    expect(await escapes()).toEqual([boom()]);
  });

  it('reaches nobody when somebody subscribes too late', async () => {
    const { escapes } = watchProcess();
    const actor = newSystem().make(talker).start();
    actor.send({ type: 'fail' });
    actor.subscribe(() => {});
    expect(await escapes()).toEqual([]);
  });

  it('reaches nobody when the observer of its error throws', async () => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    const actor = make(talker).start();
    actor.subscribe({
      error: () => {
        throw new Error('in the observer');
      },
    });
    actor.send({ type: 'fail' });
    expect(await escapes()).toEqual([]);
    expect(reports).toEqual([{ actor, error: new Error('in the observer') }]);
  });

  it.each<[string, AnyStateMachine]>([
    ['in its first context', createMachine({ context: throws })],
    ['in its first entry action', createMachine({ entry: throws })],
    ['in a guard', createMachine({ on: { go: { guard: throws, actions: () => {} } } })],
    ['in an assign', createMachine({ context: {}, on: { go: { actions: assign(throws) } } })],
    [
      'in params',
      setup({ actions: { act: () => {} } }).createMachine({ on: { go: { actions: { type: 'act', params: throws } } } }),
    ],
    ['in an invoked machine', createMachine({ invoke: { src: createMachine({ entry: throws }) } })],
    ['in an invoked promise', createMachine({ invoke: { src: fromPromise(rejects) } })],
    ['in an invoked callback', createMachine({ invoke: { src: fromCallback(throws) } })],
    [
      'in an invoked observable',
      createMachine({
        invoke: {
          src: fromObservable(() => failingObservable),
        },
      }),
    ],
  ])('goes no further when it crashes %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { make } = newSystem();
    const actor = make(machine);
    const errors: string[] = [];
    actor.subscribe({ error: (error) => errors.push((error as Error).message) });
    actor.start();
    actor.send({ type: 'go' });
    expect(await escapes()).toEqual([]);
    // XState wraps what a guard throws.
    expect(errors).toEqual([expect.stringContaining('boom')]);
  });

  it('leaves the other machines of the system alone', () => {
    const { root, make } = newSystem();
    const [one, other] = [make(talker).start(), make(talker).start()];
    one.send({ type: 'fail' });
    other.send({ type: 'end' });
    expect(other.getSnapshot()).toMatchObject({ status: 'done' });
    expect(root.getSnapshot().status).toBe('active');
  });
});

describe('what else user code leaves behind', () => {
  it.each<[string, AnyActorLogic, EventObject]>([
    ['transition', fromTransition((state: number) => state + 1, 0), { type: 'go' }],
    ['promise', fromPromise(() => Promise.resolve(1)), { type: 'go' }],
  ])('reports a callback that throws on a %s actor that a machine has made', async (_name, logic, event) => {
    const { escapes } = watchProcess();
    const { make, reports } = newSystem();
    make(
      createMachine({
        context: {},
        entry: assign({
          ref: ({ spawn }) => {
            const ref = spawn(logic, { id: 'child' });
            ref.subscribe(throws);
            return ref;
          },
        }),
        on: { go: { actions: ({ context }) => (context as { ref: AnyActorRef }).ref.send(event) } },
      }),
    )
      .start()
      .send({ type: 'go' });
    expect(await escapes()).toEqual([]);
    expect(new Set(reports.map(({ error }) => (error as Error).message))).toEqual(new Set(['boom']));
  });

  it('takes the error of a promise actor that is subscribed without an observer for errors', async () => {
    const { escapes } = watchProcess();
    const { make } = newSystem();
    const machine = createMachine({
      context: {},
      entry: assign({
        ref: ({ spawn }) => {
          const ref = spawn(fromPromise(rejects), { id: 'child' });
          ref.subscribe(() => {});
          return ref;
        },
      }),
      on: { 'xstate.error.actor.child': { actions: () => {} } },
    });
    const actor = make(machine).start();
    expect(await escapes()).toEqual([]);
    expect(actor.getSnapshot()).toMatchObject({ status: 'active' });
  });
});

describe('an inspector that fails', () => {
  const counting = createMachine({
    context: { count: 0 },
    on: {
      go: {
        actions: [assign({ count: ({ context }: { context: { count: number } }) => context.count + 1 }), () => {}],
      },
    },
  });

  it.each<[string, (event: InspectionEvent) => void]>([
    ['throws at everything', throws],
    ['throws at events', ({ type }) => type === '@xstate.event' && throws()],
    ['throws at snapshots', ({ type }) => type === '@xstate.snapshot' && throws()],
    ['throws at microsteps', ({ type }) => type === '@xstate.microstep' && throws()],
    ['throws at actions', ({ type }) => type === '@xstate.action' && throws()],
  ])('wedges nobody when it %s', async (_name, inspector) => {
    const { escapes } = watchProcess();
    const { root, make, observerErrors } = newSystem();
    root.system.inspect(inspector);
    root.system.inspect({ next: inspector });
    const actor = make(counting).start();
    for (let times = 0; times < 3; times++) actor.send({ type: 'go' });
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', context: { count: 3 } });
    expect(await escapes()).toEqual([]);
    expect(new Set(observerErrors.map(String))).toEqual(new Set(['Error: boom']));
  });

  it('would wedge the actor without isolation', () => {
    const { root, make } = newSystem({ isIsolated: false });
    const actor = make(counting).start();
    const subscription = root.system.inspect(({ type }) => type === '@xstate.snapshot' && throws());
    expect(() => actor.send({ type: 'go' })).toThrow('boom');
    subscription.unsubscribe();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot()).toMatchObject({ context: { count: 1 } });
  });

  it('reaches nobody when it rejects', async () => {
    const { escapes } = watchProcess();
    const { root, make, observerErrors } = newSystem();
    root.system.inspect(asyncAction);
    make(counting).start();
    expect(await escapes()).toEqual([]);
    expect(observerErrors.length).toBeGreaterThan(0);
  });

  it('leaves other inspectors alone, and can be unsubscribed', () => {
    const { root, make, observerErrors } = newSystem();
    const seen: string[] = [];
    const subscription = root.system.inspect(throws);
    root.system.inspect(({ type }) => seen.push(type));
    make(counting).start();
    expect(seen).toContain('@xstate.snapshot');
    subscription.unsubscribe();
    observerErrors.length = 0;
    make(counting).start();
    expect(observerErrors).toEqual([]);
  });
});

describe('a loop of eventless transitions', () => {
  const loop = {
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
  } as const;

  it.each<[string, AnyStateMachine]>([
    ['when it starts', createMachine({ initial: 'b', states: { b: { always: 'c' }, c: { always: 'b' } } })],
    ['when it hears an event', createMachine(loop)],
    [
      'of raised events',
      createMachine({ on: { go: { actions: enqueueActions(({ enqueue }) => enqueue.raise({ type: 'go' })) } } }),
    ],
    [
      'in an invoked machine',
      createMachine({ invoke: { src: createMachine({ ...loop, initial: 'b' }), id: 'child' } }),
    ],
    [
      'in a spawned machine',
      createMachine({ entry: spawnChild(createMachine({ ...loop, initial: 'b' }), { id: 'child' }) }),
    ],
  ])('is stopped %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { make } = newSystem();
    const errors: string[] = [];
    const actor = make(machine);
    actor.subscribe({ error: (error) => errors.push((error as Error).message) });
    actor.start();
    actor.send({ type: 'go' });
    expect(errors).toEqual([expect.stringContaining('Infinite loop detected')]);
    expect(await escapes()).toEqual([]);
  });

  it('is stopped in a machine that was derived by provide', () => {
    const { make } = newSystem();
    const actor = make(createMachine(loop).provide({}));
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start().send({ type: 'go' });
    expect(errors).toHaveLength(1);
  });

  it('keeps the bound that a machine has set for itself', () => {
    const { make } = newSystem();
    let rounds = 0;
    const machine = createMachine({
      options: { maxIterations: 5 },
      initial: 'a',
      states: { a: { always: 'b' }, b: { entry: () => rounds++, always: 'a' } },
    });
    const actor = make(machine);
    actor.subscribe({ error: () => {} });
    actor.start();
    expect(machine.options.maxIterations).toBe(5);
    expect(rounds).toBeLessThan(10);
  });
});

/** Notes when it starts and when it stops. */
function noting(log: string[], name: string) {
  return fromCallback(() => {
    log.push(`${name} starts`);
    return () => {
      log.push(`${name} stops`);
    };
  });
}

describe('what a machine that failed has started', () => {
  const failing = (children: AnyStateMachine['config']) =>
    createMachine({ ...children, on: { fail: { actions: throws } } } as Parameters<typeof createMachine>[0]);

  it('is left running by XState', () => {
    const log: string[] = [];
    const actor = newSystem()
      .make(failing({ invoke: { src: noting(log, 'ticker') } }))
      .start();
    actor.send({ type: 'fail' });
    expect(actor.getSnapshot().status).toBe('error');
    expect(log).toEqual(['ticker starts']);
  });

  it('is stopped with its descendants: what it invoked, what it spawned, and what they have started', async () => {
    const { escapes } = watchProcess();
    const log: string[] = [];
    const inner = createMachine({ invoke: { src: noting(log, 'inner'), id: 'inner' } });
    const actor = newSystem()
      .make(
        failing({
          entry: spawnChild(noting(log, 'spawned'), { id: 'spawned' }),
          invoke: [
            { src: noting(log, 'invoked'), id: 'invoked' },
            { src: inner, id: 'machine' },
          ],
        }),
      )
      .start();
    actor.send({ type: 'fail' });
    stopDescendants(actor);
    const names = ['inner', 'invoked', 'spawned'];
    expect(log.filter((line) => line.endsWith('stops')).toSorted()).toEqual(names.map((name) => `${name} stops`));
    stopDescendants(actor);
    expect(log).toHaveLength(6);
    expect(await escapes()).toEqual([]);
  });

  it('ends with its timers', () => {
    const { root, make } = newSystem();
    const clock = root.clock as SimulatedClock;
    const told: string[] = [];
    const child = createMachine({
      initial: 'a',
      states: { a: { after: { 100: { target: 'b', actions: () => told.push('woken') } } }, b: {} },
    });
    const actor = make(failing({ invoke: { src: child, id: 'child' } })).start();
    actor.send({ type: 'fail' });
    stopDescendants(actor);
    clock.increment(100);
    expect(told).toEqual([]);
  });

  it('may be nothing, also for an actor that is no machine', () => {
    const { root, make } = newSystem();
    const actor = make(failing({})).start();
    actor.send({ type: 'fail' });
    stopDescendants(actor);
    stopDescendants(root);
    expect(root.getSnapshot().status).toBe('active');
  });
});

describe('a machine that asks for a name in the whole system', () => {
  const refused = { code: 'TROUPE_SYSTEM_ID_REFUSED', fields: { systemId: 'logger' } };
  const logger = fromCallback(() => {});

  it.each<[string, AnyStateMachine]>([
    ['by invoking', createMachine({ invoke: { src: logger, systemId: 'logger' } })],
    ['by an action', createMachine({ entry: spawnChild(logger, { id: 'child', systemId: 'logger' }) })],
    [
      'by an assign',
      createMachine({ context: {}, entry: assign({ ref: ({ spawn }) => spawn(logger, { systemId: 'logger' }) }) }),
    ],
    [
      'by an event',
      createMachine({
        initial: 'a',
        states: { a: { on: { go: 'b' } }, b: { invoke: { src: logger, systemId: 'logger' } } },
      }),
    ],
  ])('fails, already the first of its kind: %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { root, make } = newSystem();
    const actor = make(machine);
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    actor.send({ type: 'go' });
    expect(errors).toEqual([expect.objectContaining(refused)]);
    expect(root.system.get('logger')).toBeUndefined();
    expect(await escapes()).toEqual([]);
  });

  it('leaves a later one without such a name alone', () => {
    const { make } = newSystem();
    const failing = make(createMachine({ invoke: { src: logger, systemId: 'logger' } }));
    failing.subscribe({ error: () => {} });
    failing.start();
    const other = make(createMachine({ invoke: { src: logger } })).start();
    expect(other.getSnapshot().status).toBe('active');
  });
});

describe('what a machine sends to its parent', () => {
  const sender = (event: EventObject) => createMachine({ on: { go: { actions: sendParent(event) } } });

  it.each([
    'socket.closed',
    'handler.failed',
    'ws.text',
    'xstate.stop',
    'xstate.init',
    'xstate.done.state.x',
    'xstate.error.actor',
    'anything',
  ])('is refused and never arrives: %s', async (type) => {
    const { escapes } = watchProcess();
    const { root, heard, make, reports } = newSystem();
    const actor = make(sender({ type }));
    actor.start();
    heard.length = 0;
    actor.send({ type: 'go' });
    expect(reports).toEqual([
      { actor, error: expect.objectContaining({ code: 'TROUPE_PARENT_NOT_ADDRESSABLE', fields: { event: type } }) },
    ]);
    expect(heard).toEqual([]);
    expect(root.getSnapshot().status).toBe('active');
    expect(await escapes()).toEqual([]);
  });

  it.each<[string, AnyStateMachine]>([
    ['with a delay', createMachine({ on: { go: { actions: sendParent({ type: 'x' }, { delay: 10 }) } } })],
    ['by sendTo', createMachine({ on: { go: { actions: sendTo(({ self }) => self._parent!, { type: 'x' }) } } })],
    ['by forwarding', createMachine({ on: { go: { actions: forwardTo(({ self }) => self._parent!) } } })],
  ])('never arrives, whichever way it takes: %s', async (_name, machine) => {
    const { escapes } = watchProcess();
    const { root, heard, make, reports } = newSystem();
    const actor = make(machine);
    actor.start();
    heard.length = 0;
    actor.send({ type: 'go' });
    // A throw in a timer would reach the process.
    (root.clock as SimulatedClock).increment(10);
    expect(heard).toEqual([]);
    expect(reports).toHaveLength(1);
    expect(await escapes()).toEqual([]);
  });

  it('arrives when the parent is another machine of the service', () => {
    const told: string[] = [];
    const { make } = newSystem();
    const parent = createMachine({
      invoke: { src: createMachine({ entry: sendParent({ type: 'hello' }) }), id: 'child' },
      on: { hello: { actions: ({ event }) => told.push(event.type) } },
    });
    expect(make(parent).start().getSnapshot().status).toBe('active');
    expect(told).toEqual(['hello']);
  });

  it('leaves what XState itself tells a parent its way', () => {
    const { heard, make } = newSystem();
    make(createMachine({ initial: 'a', states: { a: { type: 'final' } } })).start();
    const failing = make(talker);
    failing.subscribe({ error: () => {} });
    failing.start().send({ type: 'fail' });
    expect(heard).toEqual(expect.arrayContaining(['xstate.done.actor.user', 'xstate.error.actor.user']));
  });
});

describe('what runs user code on its own account', () => {
  it('runs it in a turn: what is delayed, and what an invoked actor ends with', async () => {
    const { root, make, turns } = newSystem();
    const done: string[] = [];
    const note = (what: string) => (): void => {
      done.push(`${what} ${turns.depth > 0 ? 'in' : 'outside'} a turn`);
    };
    const turned = new Promise<void>((resolve) => {
      make(
        createMachine({
          initial: 'a',
          invoke: [
            { src: fromPromise(() => Promise.resolve()), onDone: { actions: [note('invoked'), () => resolve()] } },
          ],
          states: { a: { after: { 10: { target: 'b', actions: note('delayed') } } }, b: {} },
        }),
      ).start();
    });
    (root.clock as SimulatedClock).increment(10);
    await turned;
    expect(done).toEqual(['delayed in a turn', 'invoked in a turn']);
  });
});

describe('what isolation relies on in XState', () => {
  it('is that every actor is announced before it computes its first snapshot', () => {
    const order: string[] = [];
    const { root, make } = newSystem();
    root.system.inspect(({ type }) => {
      if (type === '@xstate.actor') order.push('announced');
    });
    make(createMachine({ context: () => (order.push('first snapshot'), {}) }));
    expect(order).toEqual(['announced', 'first snapshot']);
  });

  it('is that actors have an executor of actions, and machines a bound of iterations', () => {
    const actor = createActor(talker) as unknown as {
      _actorScope: { actionExecutor: unknown };
      logic: { options: { maxIterations: number } };
    };
    expect(actor._actorScope.actionExecutor).toBeTypeOf('function');
    expect(createMachine({}).options.maxIterations).toBe(Infinity);
  });
});
