import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  log,
  not,
  raise,
  sendTo,
  SimulatedClock,
  spawnChild,
  stateIn,
  transition,
  type AnyActor,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { isolateMachine } from '../../src/runtime/machine-isolation.ts';
import { planMachine, type PlanCounts } from '../../src/runtime/planned-machine.ts';

/** What comes beside what the machine names. */
const types = ['go'];
const silent = (): void => {};
const noted = (): void => {};

interface Counted {
  readonly context: { readonly n: number };
  readonly event: EventObject;
  readonly self: AnyActorRef;
}

const more = assign({ n: ({ context }: Counted) => context.n + 1 } as never);
const start = (machine: AnyStateMachine): AnyActor => {
  const actor = createActor(machine, { logger: silent, clock: new SimulatedClock() });
  actor.subscribe({ error: silent });
  return actor.start();
};
const snapshotOf = (actor: AnyActor): AnyMachineSnapshot => actor.getSnapshot() as AnyMachineSnapshot;
const errorOf = (actor: AnyActor): string => (snapshotOf(actor).error as Error).message;

/** A machine of two states, `a` and `b`, in which `go` does what `parts` say. */
const inA = (a: object, rest: object = {}): AnyStateMachine =>
  createMachine(
    { id: 'm', context: { n: 0 }, initial: 'a', states: { a, b: { on: { back: 'a' } } }, ...rest } as never,
    {
      actions: { noted, more },
      guards: { yes: () => true, no: () => false },
      actors: { child: fromCallback(silent) },
    } as never,
  ) as AnyStateMachine;
const on = (go: unknown, rest: object = {}): AnyStateMachine => inA({ on: { go } }, rest);

/** How `go` was carried out. */
function carriedOut(machine: AnyStateMachine): Pick<PlanCounts, 'planned' | 'left'> {
  const counts = planMachine(machine, types);
  const actor = start(machine);
  counts.planned = counts.left = 0;
  actor.send({ type: 'go' });
  return { planned: counts.planned, left: counts.left };
}

const planned: Readonly<Record<string, () => AnyStateMachine>> = {
  'an event that nothing handles': () => on(undefined),
  'an event that is forbidden': () => on({}),
  'an action by name': () => on({ actions: 'noted' }),
  'an action with params': () => on({ actions: { type: 'noted', params: { n: 1 } } }),
  'an action with a function for params': () => on({ actions: { type: 'noted', params: () => ({ n: 1 }) } }),
  'an inline action': () => on({ actions: () => {} }),
  'an action that nothing implements': () => on({ actions: 'unheard' }),
  'an inline assign': () => on({ actions: more }),
  'an assign by name': () => on({ actions: 'more' }),
  'a change of states': () => on('b'),
  'a reentered state': () => inA({ entry: 'noted', exit: 'noted', on: { go: { target: 'a', reenter: true } } }),
  'a wildcard': () => inA({ on: { '*': { actions: 'noted' } } }),
  'an event that parallel states handle': () =>
    inA({
      type: 'parallel',
      states: { x: { on: { go: { actions: 'noted' } } }, y: { on: { go: { actions: 'more' } } } },
    }),
  'a change into nested states': () =>
    createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { initial: 'c', states: { c: {} } } } }),
  'a guard by name': () =>
    on([
      { guard: 'no', target: 'b' },
      { guard: 'yes', actions: 'noted' },
    ]),
  'guards of guards': () => on({ guard: and(['yes', not('no'), stateIn('#m.a')] as never), target: 'b' }),
  emit: () => on({ actions: emit({ type: 'said' }) }),
  log: () => on({ actions: log('said') }),
  sendTo: () => on({ actions: sendTo(({ self }: Counted) => self as never, { type: 'other' } as never, { delay: 5 }) }),
  cancel: () => on({ actions: cancel('some') }),
  'a raise with a delay': () => on({ actions: raise({ type: 'other' }, { delay: 5 }) }),
  'a state with a delay': () => inA({ on: { go: 'b' }, after: { 1000: 'b' } }),
  'actors that an assign spawns': () =>
    on({ actions: assign((({ spawn }: { spawn: (logic: string) => unknown }) => (spawn('child'), {})) as never) }),
};

const left: Readonly<Record<string, () => AnyStateMachine>> = {
  'a raised event': () => on({ actions: raise({ type: 'other' }) }),
  'a raise whose delay is a function': () => on({ actions: raise({ type: 'other' }, { delay: () => 5 }) }),
  enqueueActions: () => on({ actions: enqueueActions(silent) }),
  'spawned actors': () => on({ actions: spawnChild('child' as never) }),
  'a state that invokes an actor': () => inA({ on: { go: 'b' }, invoke: { src: 'child' } }),
  'an eventless transition': () => inA({ always: { guard: 'no', target: 'b' } }),
  'an end': () => createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { type: 'final' } } }),
  'a done state': () =>
    createMachine({
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { initial: 'c', states: { c: { type: 'final' } }, onDone: 'a' } },
    }),
  'a history state': () =>
    createMachine({
      initial: 'a',
      states: {
        a: { on: { go: 'b.past' } },
        b: { initial: 'c', states: { c: {}, d: {}, past: { type: 'history' } } },
      },
    }),
};

describe('a planned machine', () => {
  it.each(Object.entries(planned))('carries out by a plan: %s', (_what, machine) => {
    expect(carriedOut(machine())).toEqual({ planned: 1, left: 0 });
  });

  it.each(Object.entries(left))('leaves to XState: %s', (_what, machine) => {
    expect(carriedOut(machine())).toEqual({ planned: 0, left: 1 });
  });

  it('leaves to XState what XState itself sends, but for the end of a machine without actors', () => {
    const machine = inA({ after: { 1000: 'b' } });
    const counts = planMachine(machine, types);
    const actor = start(machine);
    (actor.clock as SimulatedClock).increment(1000);
    expect(snapshotOf(actor).value).toBe('b');
    expect(counts).toMatchObject({ planned: 0, left: 1 });
    actor.stop();
    expect(snapshotOf(actor).status).toBe('stopped');
    expect(counts).toMatchObject({ planned: 1, left: 1 });
  });

  it('goes on from where XState left off, and back', () => {
    const machine = inA({
      on: { go: { actions: [more, raise({ type: 'other' })] }, other: { actions: more }, plain: { actions: more } },
    });
    const counts = planMachine(machine, types);
    const actor = start(machine);
    for (const type of ['plain', 'go', 'plain', 'go', 'plain']) actor.send({ type });
    expect(snapshotOf(actor).context).toEqual({ n: 7 });
    expect(counts).toMatchObject({ planned: 3, left: 2 });
  });

  it('asks each guard once, whoever carries out what follows', () => {
    const asked: string[] = [];
    const guard = (name: string, answer: boolean) => (): boolean => {
      asked.push(name);
      return answer;
    };
    const machine = inA({
      on: {
        plain: [
          { guard: guard('first', false), target: 'b' },
          { guard: guard('second', true), actions: 'noted' },
        ],
        raising: { guard: guard('third', true), actions: raise({ type: 'other' }) },
      },
    });
    const counts = planMachine(machine, types);
    const actor = start(machine);
    for (const type of ['plain', 'raising', 'plain', 'raising']) actor.send({ type });
    expect(asked).toEqual(['first', 'second', 'third', 'first', 'second', 'third']);
    expect(counts).toMatchObject({ planned: 2, left: 2 });
  });

  it('fails with the words of XState when a guard throws', () => {
    const throwing = (): AnyStateMachine =>
      on({
        guard: () => {
          throw new Error('boom');
        },
        target: 'b',
      });
    const errors = [throwing(), throwing()].map((machine, index) => {
      if (index === 0) planMachine(machine, types);
      const actor = start(machine);
      actor.send({ type: 'go' });
      return errorOf(actor);
    });
    expect(errors[0]).toContain("Unable to evaluate guard in transition for event 'go' in state node 'm.a'");
    expect(errors[0]).toBe(errors[1]);
  });

  it('fails when an action throws, in the state that it was in, and does nothing more', () => {
    const done: string[] = [];
    const machine = inA({
      exit: () => done.push('exit'),
      on: {
        go: {
          target: 'b',
          actions: [
            more,
            () => {
              throw new Error('boom');
            },
            () => done.push('never'),
          ],
        },
      },
    });
    const counts = planMachine(machine, types);
    const actor = start(machine);
    actor.send({ type: 'go' });
    const { status, value, context } = snapshotOf(actor);
    expect({ status, value, context, done }).toEqual({
      status: 'error',
      value: 'a',
      context: { n: 0 },
      done: ['exit'],
    });
    expect(errorOf(actor)).toBe('boom');
    expect(counts).toMatchObject({ planned: 1, left: 0 });
  });

  it('fails as in XState when an event has no type', () => {
    for (const event of [{}, { type: 5 }, undefined, null]) {
      const [ours, theirs] = [on('b'), on('b')].map(start) as [AnyActor, AnyActor];
      planMachine((ours as unknown as { logic: AnyStateMachine }).logic, types);
      for (const actor of [ours, theirs]) actor.send(event as never);
      expect(errorOf(ours)).toBe(errorOf(theirs));
    }
  });

  it('stops at the bound of microsteps that its options give, even at none', () => {
    const [ours, theirs] = [0, 1].map(() => on('b', { options: { maxIterations: 0 } })) as [
      AnyStateMachine,
      AnyStateMachine,
    ];
    planMachine(ours, types);
    const errors = [ours, theirs].map((machine) => {
      // A machine that has begun, as such a one never does by itself.
      const snapshot = machine.resolveState({ value: 'a', context: { n: 0 } });
      const actor = createActor(machine, { snapshot: machine.getPersistedSnapshot(snapshot) });
      actor.subscribe({ error: silent });
      actor.start().send({ type: 'go' } as never);
      return errorOf(actor);
    });
    expect(errors[0]).toContain('Infinite loop');
    expect(errors[0]).toBe(errors[1]);
  });

  it('answers XState’s pure functions as XState does', () => {
    const of = (machine: AnyStateMachine, status: 'active' | 'done'): unknown => {
      const before = machine.resolveState({ value: 'a', context: { n: 0 }, status });
      const [{ value, context, status: after }, actions] = transition(machine, before, { type: 'go' } as never);
      return { value: value as unknown, context: context as unknown, after, actions: actions.map(({ type }) => type) };
    };
    const machine = (): AnyStateMachine => on({ target: 'b', actions: ['noted', more, 'noted'] });
    const ours = machine();
    planMachine(ours, types);
    for (const status of ['active', 'done'] as const) expect(of(ours, status)).toEqual(of(machine(), status));
  });

  it('gives the same snapshot when nothing changes, and a new one when something does', () => {
    const machine = inA({ on: { nothing: { actions: 'noted' }, same: { actions: more }, go: 'b' } });
    planMachine(machine, types);
    const actor = start(machine);
    const snapshots = ['none', 'nothing', 'same', 'go'].map((type) => {
      const before = snapshotOf(actor);
      actor.send({ type });
      return before === snapshotOf(actor);
    });
    expect(snapshots).toEqual([true, true, false, false]);
  });

  it('shares nothing that a snapshot shows between connections', () => {
    const nested = (): object => ({ initial: 'x', tags: 't', states: { x: { on: { go: { actions: more } } } } });
    const machine = inA(nested());
    planMachine(machine, types);
    const [one, other] = [start(machine), start(machine)];
    for (const actor of [one, other]) actor.send({ type: 'go' });
    const [{ value, tags, context, children, historyValue }, others] = [snapshotOf(one), snapshotOf(other)];
    expect(value).toEqual(others.value);
    expect(value).not.toBe(others.value);
    expect(tags).not.toBe(others.tags);
    expect(context).not.toBe(others.context);
    expect(children).not.toBe(others.children);
    expect(historyValue).not.toBe(others.historyValue);
  });

  it('keeps its identity, and that of its snapshots', () => {
    const machine = on({ target: 'b', actions: more });
    planMachine(machine, types);
    const actor = start(machine);
    actor.send({ type: 'go' });
    expect((actor as unknown as { logic: unknown }).logic).toBe(machine);
    expect(snapshotOf(actor).machine).toBe(machine);
    expect(Object.keys(machine)).toEqual(Object.keys(on({})));
  });

  it('is planned by itself alone: a copy with other implementations is XState’s', () => {
    const done: string[] = [];
    const machine = on({ actions: 'noted' });
    const counts = planMachine(machine, types);
    start(machine).send({ type: 'go' });
    const copy = machine.provide({ actions: { noted: () => done.push('other') } } as never) as AnyStateMachine;
    start(copy).send({ type: 'go' });
    expect(done).toEqual(['other']);
    expect(counts).toMatchObject({ planned: 1, left: 0 });
  });

  it('takes up implementations that have been replaced since', () => {
    const done: string[] = [];
    const machine = on({ actions: 'noted' });
    planMachine(machine, types);
    const actor = start(machine);
    actor.send({ type: 'go' });
    machine.implementations = { ...machine.implementations, actions: { noted: () => done.push('new') } as never };
    actor.send({ type: 'go' });
    expect(done).toEqual(['new']);
  });

  it('is planned when its config is frozen, and after it was isolated', () => {
    const machine = createMachine(
      Object.freeze({
        initial: 'a',
        states: Object.freeze({
          a: Object.freeze({
            on: Object.freeze({ go: Object.freeze({ target: 'b', actions: Object.freeze([noted]) }) }),
          }),
          b: Object.freeze({}),
        }),
      }) as never,
    ) as AnyStateMachine;
    isolateMachine(machine);
    expect(carriedOut(machine)).toEqual({ planned: 1, left: 0 });
  });

  it('is left alone when somebody else has altered it', () => {
    const machine = on('b');
    const original = machine.transition.bind(machine);
    machine.transition = (...args) => original(...args);
    expect(carriedOut(machine)).toEqual({ planned: 0, left: 0 });
  });

  it('is planned once, however often it is told to', () => {
    const machine = on('b');
    expect(planMachine(machine, types)).toBe(planMachine(machine, types));
    expect(carriedOut(machine)).toEqual({ planned: 1, left: 0 });
  });

  it('calls none of the functions of its users when it makes a plan', () => {
    const called: string[] = [];
    const calls = (what: string) => (): unknown => {
      called.push(what);
      return {};
    };
    const machine = inA(
      {
        exit: assign(calls('exit') as never),
        on: {
          go: [
            {
              guard: calls('guard') as never,
              target: 'b',
              actions: { type: 'noted', params: calls('params') as never },
            },
            { target: 'b' },
          ],
        },
      },
      { context: calls('context') as never, output: calls('output') as never },
    );
    planMachine(machine, types);
    start(machine).send({ type: 'go' });
    expect(called).toEqual(['context', 'guard', 'exit', 'params']);
  });
});
