/** How planned machines begin and stop, beside the same machines that XState runs. */
import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  initialTransition,
  log,
  raise,
  sendTo,
  spawnChild,
  type AnyActor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type InspectionEvent,
} from 'xstate';
import { planMachine, type PlanCounts } from '../../src/runtime/planned-machine.ts';
import { snapshotOf, types, type Arguments, type Note } from '../support/both-ways.ts';

const implementations = { actors: { child: fromCallback(() => {}) } };
const silent = (): void => {};

interface Life {
  readonly notes: unknown[];
  readonly counts: PlanCounts | undefined;
  readonly actor: AnyActor;
}

/** What an inspector sees, without what is numbered across the whole process. */
const seen = (event: InspectionEvent): unknown[] => [
  event.type,
  ...('event' in event ? [event.event] : []),
  ...('action' in event ? [event.action.type] : []),
  ...('snapshot' in event ? [lookOf(event.snapshot as AnyMachineSnapshot)] : []),
];

const lookOf = (snapshot: AnyMachineSnapshot): unknown => [
  Object.keys(snapshot),
  { ...snapshot, machine: undefined, children: Object.keys((snapshot.children ?? {}) as object) },
  JSON.stringify(snapshot),
];

/** A life of the machine that `make` makes: made, started, stopped. */
function live(make: (note: Note) => object, isPlanned: boolean, input?: unknown): Life {
  const notes: unknown[] = [];
  const note: Note = (...what) => void notes.push(what);
  const machine = createMachine({ id: 'm', ...make(note) } as never, implementations as never) as AnyStateMachine;
  const counts = isPlanned ? planMachine(machine, types) : undefined;
  const actor = createActor(machine, {
    input,
    inspect: (event) => note(...seen(event)),
    logger: (...said: unknown[]) => note('log', ...said),
  });
  actor.subscribe({ error: (error) => note('error', String(error)), complete: () => note('complete') });
  actor.on('*', (emitted) => note('emitted', emitted));
  const look = (what: string): void => {
    const { status, value, context, error, children, _nodes } = snapshotOf(actor);
    const ids = (_nodes as { id: string }[]).map(({ id }) => id);
    note(what, { status, value: value as unknown, context: context as unknown }, String(error), ids);
    note(Object.keys(snapshotOf(actor)), JSON.stringify(snapshotOf(actor)), Object.keys(children as object));
  };
  look('made');
  actor.start();
  look('started');
  actor.stop();
  look('stopped');
  // The nodes belong to two machines, and are compared by their ids.
  return { notes: JSON.parse(JSON.stringify(notes)) as unknown[], counts, actor };
}

const boom = (): never => {
  throw new Error('boom');
};

const byPlan: Readonly<Record<string, (note: Note) => object>> = {
  'nothing but a root': () => ({}),
  'a context': () => ({ context: { n: 1 }, initial: 'a', states: { a: {} } }),
  'a function for its context': (note) => ({
    context: (args: { input: unknown }) => {
      note('context', Object.keys(args), args.input);
      return { n: 1, input: args.input };
    },
  }),
  'a function for its context that spawns': () => ({
    context: ({ spawn }: { spawn: (logic: string, options: object) => unknown }) => {
      spawn('child', { id: 'one' });
      return { n: 1 };
    },
  }),
  'a function for its context that throws': () => ({ context: boom }),
  'a function for its context that answers with nothing': () => ({ context: () => undefined }),
  'nested and parallel states with tags': () => ({
    tags: 'root',
    type: 'parallel',
    states: {
      x: { initial: 'y', states: { y: { tags: ['t', 'u'] }, z: {} } },
      w: { tags: ['t'], initial: 'v', states: { v: {} } },
    },
  }),
  'entry and initial actions, in their order, with params': (note) => ({
    context: { n: 0 },
    entry: (args: Arguments) => note('entry', args.context, args.event, Object.keys(args)),
    initial: { target: 'a', actions: { type: 'initial', params: (args: object) => note('params', args) } },
    states: {
      a: {
        entry: [assign({ n: 2 }), ({ context }: Arguments) => note('a', context), emit({ type: 'said' }), log('hi')],
      },
    },
  }),
  'an entry action that throws': (note) => ({ entry: [boom, () => note('never')], context: { n: 0 } }),
  'an assign that throws': (note) => ({
    context: ({ input }: { input: unknown }) => ({ input }),
    entry: [() => note('before'), assign(boom)],
    initial: 'a',
    states: { a: {} },
  }),
  'a context that spawns, and then an assign that throws': () => ({
    context: ({ spawn }: { spawn: (logic: string, options: object) => unknown }) => {
      spawn('child', { id: 'one' });
      return { n: 1 };
    },
    entry: assign(boom),
  }),
  'params that throw': () => ({ context: { n: 0 }, entry: { type: 'some', params: boom } }),
  'sending to nobody': () => ({ entry: sendTo('nobody', { type: 'hi' }) }),
  'a delay': () => ({ initial: 'a', states: { a: { after: { 1000: 'b' } }, b: {} } }),
  'an assign that spawns': () => ({
    context: { n: 0 },
    entry: assign((({ spawn }: { spawn: (logic: string, options: object) => unknown }) => {
      spawn('child', { id: 'one' });
      return {};
    }) as never),
  }),
};

const byXState: Readonly<Record<string, (note: Note) => object>> = {
  'an invoked actor': () => ({ invoke: { src: 'child' } }),
  'a spawned actor': () => ({ entry: spawnChild('child' as never, { id: 'one' } as never) }),
  'an eventless transition': () => ({ initial: 'a', states: { a: { always: 'b' }, b: {} } }),
  'a raised event': () => ({ entry: raise({ type: 'go' }), on: { go: {} } }),
  enqueueActions: () => ({ entry: enqueueActions(silent) }),
  'an end': () => ({ initial: 'a', states: { a: { type: 'final' } } }),
  'a done state': () => ({
    initial: 'a',
    states: { a: { initial: 'b', states: { b: { type: 'final' } }, onDone: 'c' }, c: {} },
  }),
  'a history state': () => ({
    initial: 'a',
    states: { a: { initial: 'b', states: { b: {}, h: { type: 'history' } } } },
  }),
  'a bound of no microsteps': () => ({ options: { maxIterations: 0 } }),
};

describe('a planned machine', () => {
  it.each(Object.entries(byPlan))('begins and stops as in XState, by a plan: %s', (_what, make) => {
    const ours = live(make, true, { some: 'input' });
    expect(ours.notes).toEqual(live(make, false, { some: 'input' }).notes);
    expect(ours.counts!.begun).toBe(1);
  });

  it.each(Object.entries(byXState))('is begun by XState: %s', (_what, make) => {
    const ours = live(make, true);
    expect(ours.notes).toEqual(live(make, false).notes);
    expect(ours.counts!.begun).toBe(0);
  });

  it('is stopped by XState when it has started actors, and by a plan when not', () => {
    const stopped = (make: (note: Note) => object): Partial<PlanCounts> => {
      const { planned, left } = live(make, true).counts!;
      return { planned, left };
    };
    expect(stopped(byPlan['a context']!)).toEqual({ planned: 1, left: 0 });
    expect(stopped(byPlan['an assign that spawns']!)).toEqual({ planned: 0, left: 1 });
  });

  it('keeps a fixed context for all, and everything else apart', () => {
    const context = { n: 0 };
    const machine = createMachine({ context, type: 'parallel', states: { a: {} } } as never) as AnyStateMachine;
    planMachine(machine, types);
    const [one, other] = [0, 1].map(() => snapshotOf(createActor(machine))) as [AnyMachineSnapshot, AnyMachineSnapshot];
    expect(one.context).toBe(context);
    expect(other.context).toBe(context);
    for (const part of ['value', 'tags', 'children', 'historyValue'] as const) expect(one[part]).not.toBe(other[part]);
  });

  it('keeps what it does until it starts', () => {
    const done: string[] = [];
    const machine = createMachine({ entry: () => done.push('entry') } as never) as AnyStateMachine;
    planMachine(machine, types);
    const actor = createActor(machine);
    expect(done).toEqual([]);
    actor.start();
    expect(done).toEqual(['entry']);
  });

  it('begins with implementations that have been replaced since', () => {
    const done: string[] = [];
    const machine = createMachine(
      { entry: 'act' } as never,
      { actions: { act: () => done.push('old') } } as never,
    ) as AnyStateMachine;
    const counts = planMachine(machine, types);
    createActor(machine).start();
    (machine.implementations.actions as Record<string, unknown>)['act'] = () => done.push('new');
    createActor(machine).start();
    machine.implementations = { ...machine.implementations, actions: { act: () => done.push('newer') } as never };
    createActor(machine).start();
    expect(done).toEqual(['old', 'new', 'newer']);
    // The one that notices leaves it to XState.
    expect(counts.begun).toBe(2);
  });

  it('answers XState’s pure functions as XState does', () => {
    const make = (): AnyStateMachine =>
      createMachine({ context: { n: 0 }, entry: [{ type: 'act' }, assign({ n: 1 })] } as never) as AnyStateMachine;
    const planned = make();
    planMachine(planned, types);
    const [ours, theirs] = [planned, make()].map((machine) => {
      const [snapshot, actions] = initialTransition(machine, undefined as never);
      const alone = machine.getInitialSnapshot(undefined as never, undefined);
      return [
        JSON.stringify(snapshot),
        actions.map(({ type, params }) => [type, params as unknown]),
        String(alone.error),
        JSON.stringify(alone),
      ];
    });
    expect(ours).toEqual(theirs);
  });

  it('begins as somebody has it begin that has altered it', () => {
    const machine = createMachine({ context: { n: 0 } } as never) as AnyStateMachine;
    const original = machine.getInitialSnapshot.bind(machine);
    machine.getInitialSnapshot = (...args) => ({ ...original(...args), context: { n: 5 } }) as never;
    const counts = planMachine(machine, types);
    expect(snapshotOf(createActor(machine)).context).toEqual({ n: 5 });
    expect(counts).toEqual({ begun: 0, planned: 0, quiet: 0, left: 0 });
  });
});
