import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromPromise,
  fromTransition,
  not,
  or,
  setup,
  spawnChild,
  stateIn,
  type AnyActor,
  type AnyStateMachine,
} from 'xstate';
import { isolateMachine } from '../../src/runtime/machine-isolation.ts';
import { isolateSystem } from '../../src/runtime/isolation.ts';
import { watchProcess } from '../support/escapes.ts';

const boom = (): Error => new Error('boom');
const rejects = async (): Promise<never> => {
  await Promise.resolve();
  throw boom();
};
/** An async function where one that answers at once is expected, as a user may well write it. */
const asyncGuard = rejects as unknown as () => boolean;
const asyncAssign = rejects as unknown as () => object;
const asyncCollect = rejects as unknown as () => void;

/** Runs an isolated machine until it has heard `go`. */
function run(machine: AnyStateMachine): { actor: AnyActor; errors: unknown[] } {
  isolateMachine(machine);
  const actor = createActor(machine);
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  actor.send({ type: 'go' });
  return { actor, errors };
}

const asyncError = (what: string): string => `The ${what} of machine "m" returned a promise, but must answer at once.`;

const inA = <const Rest extends object>(a: Rest) => ({ id: 'm', initial: 'a', states: { a, b: {} } }) as const;
const named = { guards: { isAllowed: asyncGuard } };

const asyncMachines: Readonly<Record<string, readonly [what: string, machine: () => AnyStateMachine]>> = {
  'an inline guard': ['inline guard', () => createMachine(inA({ on: { go: { guard: asyncGuard, target: 'b' } } }))],
  'a named guard': [
    'guard "isAllowed"',
    () => setup(named).createMachine(inA({ on: { go: { guard: 'isAllowed', target: 'b' } } })),
  ],
  'a named guard with params': [
    'guard "isAllowed"',
    () =>
      setup({ guards: { isAllowed: (_: unknown, _params: { to: string }) => asyncGuard() } }).createMachine(
        inA({ on: { go: { guard: { type: 'isAllowed', params: { to: 'b' } }, target: 'b' } } }),
      ),
  ],
  'the guard of an eventless transition': [
    'inline guard',
    () => createMachine(inA({ always: { guard: asyncGuard, target: 'b' } })),
  ],
  'the guard of a wildcard': [
    'inline guard',
    () => createMachine(inA({ on: { '*': { guard: asyncGuard, target: 'b' } } })),
  ],
  'the guard of a nested state': [
    'inline guard',
    () =>
      createMachine(
        inA({ initial: 'c', states: { c: { on: { go: { guard: asyncGuard, target: '#d' } } }, d: { id: 'd' } } }),
      ),
  ],
  'the guard of a root transition': [
    'inline guard',
    () => createMachine({ ...inA({}), on: { go: { guard: asyncGuard, target: '.b' } } }),
  ],
  'the second of several guards': [
    'inline guard',
    () =>
      createMachine(
        inA({
          on: {
            go: [
              { guard: () => false, target: 'b' },
              { guard: asyncGuard, target: 'b' },
            ],
          },
        }),
      ),
  ],
  'an inline guard in and': [
    'inline guard',
    () => createMachine(inA({ on: { go: { guard: and([() => true, asyncGuard]), target: 'b' } } })),
  ],
  'an inline guard in or, in not': [
    'inline guard',
    () => createMachine(inA({ on: { go: { guard: not(or([() => false, asyncGuard])), target: 'b' } } })),
  ],
  'a named guard in not': [
    'guard "isAllowed"',
    () => setup(named).createMachine(inA({ on: { go: { guard: not('isAllowed'), target: 'b' } } })),
  ],
  'a named combination of guards': [
    'inline guard',
    () =>
      setup({ guards: { isFine: and([() => true, asyncGuard]) } }).createMachine(
        inA({ on: { go: { guard: 'isFine', target: 'b' } } }),
      ),
  ],
  'an assign': [
    'assign',
    () => createMachine({ ...inA({ on: { go: { actions: assign(asyncAssign) } } }), context: {} }),
  ],
  'a named assign': [
    'assign',
    () =>
      setup({ actions: { change: assign(asyncAssign) } }).createMachine({
        ...inA({ on: { go: { actions: 'change' } } }),
        context: {},
      }),
  ],
  'an assign on the way in': ['assign', () => createMachine({ ...inA({ entry: assign(asyncAssign) }), context: {} })],
  'an assign on the way out': [
    'assign',
    () => createMachine({ ...inA({ exit: assign(asyncAssign), on: { go: 'b' } }), context: {} }),
  ],
  'an enqueueActions': [
    'enqueueActions',
    () => createMachine(inA({ on: { go: { actions: enqueueActions(asyncCollect) } } })),
  ],
  'a named enqueueActions': [
    'enqueueActions',
    () =>
      setup({ actions: { all: enqueueActions(asyncCollect) } }).createMachine(inA({ on: { go: { actions: 'all' } } })),
  ],
};

describe('what must answer at once and is async', () => {
  it.each(Object.entries(asyncMachines))('is an error of its machine: %s', async (_name, [what, make]) => {
    const { escapes } = watchProcess();
    const { actor, errors } = run(make());
    expect(actor.getSnapshot().status).toBe('error');
    // Of what a guard throws, XState keeps the message only.
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(asyncError(what)) as string })]);
    expect(await escapes()).toEqual([]);
  });

  it.each<[what: string, machine: AnyStateMachine]>([
    ['assign', createMachine({ id: 'm', context: {}, on: { go: { actions: assign(asyncAssign) } } })],
    ['enqueueActions', createMachine({ id: 'm', on: { go: { actions: enqueueActions(asyncCollect) } } })],
  ])('has, as an %s, a code, and later what it rejected with as the cause', async (what, machine) => {
    const { escapes } = watchProcess();
    const { errors } = run(machine);
    expect(errors).toEqual([expect.objectContaining({ code: 'TROUPE_MACHINE_ASYNC', fields: { machine: 'm', what } })]);
    await escapes();
    expect((errors[0] as Error).cause).toEqual(boom());
  });

  it('is an error also when it resolves: by then it is too late', async () => {
    const { escapes } = watchProcess();
    const guard = (() => Promise.resolve(true)) as unknown as () => boolean;
    const { actor, errors } = run(createMachine(inA({ on: { go: { guard, target: 'b' } } })));
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'a' });
    expect(String(errors)).toContain(asyncError('inline guard'));
    expect(await escapes()).toEqual([]);
  });

  it('is one property of an assign as well: nobody would take its rejection', async () => {
    const { escapes } = watchProcess();
    const { errors } = run(
      createMachine({
        ...inA({ on: { go: { actions: assign({ data: () => Promise.reject(boom()) }) } } }),
        context: {},
      }),
    );
    expect(errors).toMatchObject([{ code: 'TROUPE_MACHINE_ASYNC' }]);
    expect(await escapes()).toEqual([]);
  });

  it('may stand in a frozen config, which runs as it is', () => {
    const told: unknown[] = [];
    const action = Object.freeze({ type: 'tell' as const, params: () => ({ text: 'hello' }) });
    const machine = setup({
      actions: { tell: (_, params: { text: string }) => told.push(params.text) },
    }).createMachine(inA({ entry: action }));
    expect(run(machine).errors).toEqual([]);
    expect(told).toEqual(['hello']);
  });

  it('would reach the process without isolation', async () => {
    const { escapes } = watchProcess();
    const actor = createActor(createMachine(inA({ on: { go: { guard: asyncGuard, target: 'b' } } }))).start();
    actor.send({ type: 'go' });
    // It even counted as a yes.
    expect(actor.getSnapshot().value).toBe('b');
    expect(await escapes()).toEqual([boom()]);
  });

  it.each<[string, (child: AnyStateMachine) => AnyStateMachine]>([
    ['invoked', (child) => createMachine({ invoke: { src: child, id: 'child' } })],
    ['spawned', (child) => createMachine({ entry: spawnChild(child, { id: 'child' }) })],
  ])('is found in a machine that is %s', async (_name, parentOf) => {
    const { escapes } = watchProcess();
    const root = createActor(fromTransition((state: null) => state, null));
    isolateSystem(root.system, { actorFailed: () => {}, observerFailed: () => {}, during: (userCode) => userCode() });
    root.start();
    const child = createMachine(inA({ always: { guard: asyncGuard, target: 'b' } }));
    const actor = createActor(parentOf(child), { parent: root });
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    expect(String(errors)).toContain(asyncError('inline guard'));
    expect(await escapes()).toEqual([]);
  });

  it('is found in a machine that was derived by provide', async () => {
    const { escapes } = watchProcess();
    const base = setup({ guards: { isAllowed: () => true } }).createMachine(
      inA({ on: { go: { guard: 'isAllowed', target: 'b' } } }),
    );
    isolateMachine(base);
    const { errors } = run(base.provide({ guards: { isAllowed: asyncGuard } }));
    expect(String(errors)).toContain(asyncError('guard "isAllowed"'));
    expect(await escapes()).toEqual([]);
  });
});

describe('what answers at once', () => {
  it('is asked and computed as ever', () => {
    const machine = setup({
      types: {} as { context: { count: number } },
      guards: { atLeast: ({ context }, { count }: { count: number }) => context.count >= count },
      actions: { add: assign({ count: ({ context }) => context.count + 1 }) },
    }).createMachine({
      context: { count: 0 },
      initial: 'a',
      states: {
        a: {
          entry: assign({ count: 1 }),
          on: {
            go: [
              {
                guard: and([
                  { type: 'atLeast', params: { count: 2 } },
                  not(stateIn('b')),
                  or([() => false, () => true]),
                ]),
                target: 'b',
              },
              {
                actions: [
                  'add',
                  enqueueActions(({ enqueue, check }) => check(() => true) && enqueue.raise({ type: 'go' })),
                ],
              },
            ],
          },
        },
        b: {},
      },
    });
    const { actor, errors } = run(machine);
    expect(errors).toEqual([]);
    expect(actor.getSnapshot()).toMatchObject({ value: 'b', context: { count: 2 } });
  });

  it('keeps the error that it throws', () => {
    const error = boom();
    const throws = (): never => {
      throw error;
    };
    const { errors } = run(createMachine({ context: {}, on: { go: { actions: assign(throws) } } }));
    expect(errors).toEqual([error]);
  });

  it('is what an async action may do: actions run behind the transition', () => {
    const done: string[] = [];
    const action = (async () => done.push(await Promise.resolve('later'))) as unknown as () => void;
    const { errors } = run(createMachine({ on: { go: { actions: action } } }));
    expect(errors).toEqual([]);
  });

  it('is what comes of an invoked promise, which is the remedy', async () => {
    const machine = createMachine({
      context: {},
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: fromPromise(() => Promise.resolve(true)),
            onDone: { target: 'allowed', guard: ({ event }) => event.output },
          },
        },
        allowed: { type: 'final' },
      },
    });
    const { actor, errors } = run(machine);
    await new Promise<void>((resolve) => {
      actor.subscribe({ complete: resolve });
    });
    expect(errors).toEqual([]);
    expect(actor.getSnapshot().value).toBe('allowed');
  });
});

describe('a machine that is run again and again', () => {
  it('is isolated once', () => {
    const machine = setup({ guards: { isAllowed: () => true } }).createMachine(
      inA({ on: { go: { guard: 'isAllowed', target: 'b' } } }),
    );
    isolateMachine(machine);
    const { implementations } = machine;
    const guard = implementations.guards['isAllowed' as never] as unknown;
    for (let times = 0; times < 100; times++) isolateMachine(machine);
    expect(machine.implementations).toBe(implementations);
    expect(machine.implementations.guards['isAllowed' as never]).toBe(guard);
  });

  it('shares functions with another machine without being wrapped twice', () => {
    let asked = 0;
    const shared = and([() => ++asked > 0]);
    for (const id of ['one', 'other']) {
      const { actor } = run(createMachine({ ...inA({ on: { go: { guard: shared, target: 'b' } } }), id }));
      expect(actor.getSnapshot().value).toBe('b');
    }
    expect(asked).toBe(2);
  });

  it('leaves the implementations of the machine that it was derived from as they were', () => {
    const isAllowed = (): boolean => true;
    const base = setup({ guards: { isAllowed } }).createMachine(
      inA({ on: { go: { guard: 'isAllowed', target: 'b' } } }),
    );
    isolateMachine(base.provide({}));
    expect(base.implementations.guards['isAllowed' as never]).toBe(isAllowed);
  });
});
