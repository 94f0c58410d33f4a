/** Cases in which a planned machine could be told from one that XState runs, if anybody looked for it. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  emit,
  fromCallback,
  log,
  raise,
  sendTo,
  transition,
  type AnyActor,
  type AnyActorRef,
  type AnyStateMachine,
} from 'xstate';
import { internalsOf } from '../../src/runtime/machine-internals.ts';
import { Plans } from '../../src/runtime/machine-plans.ts';
import { planMachine } from '../../src/runtime/planned-machine.ts';
import { bothWays, snapshotOf, types, type Arguments, type Note } from '../support/both-ways.ts';

const sends =
  (...sent: string[]) =>
  (actor: AnyActor): void => {
    for (const type of sent) actor.send({ type } as never);
  };

describe('a planned machine', () => {
  it('forgets what a `spawn` starts that has outlived its assignment', () => {
    const { ours, theirs, counts } = bothWays(
      () => {
        let leaked: ((logic: unknown, options: object) => unknown) | undefined;
        const spawns = assign((({ spawn }: { spawn: typeof leaked }) => {
          leaked = spawn;
          return {};
        }) as never);
        const later = (): unknown =>
          leaked?.(
            fromCallback(() => {}),
            { id: 'late' },
          );
        return { on: { go: { actions: [spawns, later, assign({ n: 1 })] }, other: { actions: [later] } } };
      },
      sends('go', 'other', 'go'),
    );
    expect(ours).toEqual(theirs);
    expect(ours.at(-1)).toEqual(['finally', 'active', {}, { n: 1 }, []]);
    expect(counts).toMatchObject({ planned: 3, left: 0 });
  });

  it('takes up a single implementation that a spy has taken the place of', () => {
    const machine = createMachine(
      { on: { go: { actions: 'act' } } } as never,
      {
        actions: { act: () => {} },
      } as never,
    ) as AnyStateMachine;
    const counts = planMachine(machine, types);
    const actor = createActor(machine).start();
    actor.send({ type: 'go' });
    const spy = vi.spyOn(machine.implementations.actions as { act: () => void }, 'act');
    actor.send({ type: 'go' });
    actor.send({ type: 'go' });
    expect(spy).toHaveBeenCalledTimes(2);
    spy.mockRestore();
    actor.send({ type: 'go' });
    expect(spy).toHaveBeenCalledTimes(0);
    expect(counts).toMatchObject({ planned: 2, left: 2 });
  });

  it('asks the guards once also when an implementation was replaced by one that only XState carries out', () => {
    const { ours, theirs, counts } = bothWays(
      (note) => ({
        on: { go: { guard: () => (note('asked'), true), actions: 'act' }, other: { actions: () => note('raised') } },
      }),
      (actor, _note, machine) => {
        const actions = machine.implementations.actions as Record<string, unknown>;
        for (const act of [() => {}, raise({ type: 'other' }), assign({ n: 5 })]) {
          actions['act'] = act;
          actor.send({ type: 'go' });
          actor.send({ type: 'go' });
        }
      },
    );
    expect(ours).toEqual(theirs);
    expect(ours.filter((what) => isDeepStrictEqual(what, ['asked']))).toHaveLength(6);
    // From the first one that XState must carry out they are XState's.
    expect(counts.planned).toBe(2);
  });

  it('calls params as a part of the action, as XState does', () => {
    const act = {
      type: 'act',
      params(this: { type: string }) {
        return { of: this.type };
      },
    };
    const seen: unknown[] = [];
    const machine = createMachine(
      { on: { go: { actions: act } } } as never,
      {
        actions: { act: (_: unknown, params: unknown) => seen.push(params) },
      } as never,
    ) as AnyStateMachine;
    planMachine(machine, types);
    createActor(machine).start().send({ type: 'go' });
    expect(seen).toEqual([{ of: 'act' }]);
  });

  it.each(['', '*', '__proto__', 'constructor', 'toString', 'a.', '.*', 'xstate.other', 'xstate.init', 'xstate.stop'])(
    'takes an event of the type "%s" as XState does',
    (type) => {
      const { ours, theirs } = bothWays(
        (note) => ({
          initial: 'a',
          states: {
            a: { on: { '*': { target: 'b', actions: ({ event }: Arguments) => note('a', event) }, 'a.*': 'b' } },
            b: { on: { ['__proto__']: 'a', constructor: 'a', toString: 'a', '*': { actions: () => note('b') } } },
          },
        }),
        sends(type, 'go', type, type, 'go', type),
      );
      expect(ours).toEqual(theirs);
    },
  );

  it('remembers nothing about types that are nowhere named, however many are sent', () => {
    const { ours, theirs, counts } = bothWays(
      () => ({ on: { '*': { actions: assign({ n: ({ context }: Arguments) => context.n + 1 } as never) } } }),
      (actor) => {
        for (let index = 0; index < 500; index++) actor.send({ type: `type.${index}` });
        actor.send({ type: 'go' });
      },
    );
    expect(ours).toEqual(theirs);
    expect(counts).toMatchObject({ planned: 1, left: 500 });
  });

  it('is not harmed by an inspector that alters what it is shown', () => {
    const { ours, theirs } = bothWays(
      () => ({ on: { go: { actions: assign({ n: ({ context }: Arguments) => context.n + 1 } as never) } } }),
      (actor, note) => {
        actor.system.inspect((event) => {
          if (event.type !== '@xstate.microstep') return;
          note('took', event._transitions.length);
          event._transitions.length = 0;
        });
        sends('go', 'go', 'go')(actor);
      },
    );
    expect(ours).toEqual(theirs);
    expect(ours.at(-1)).toEqual(['finally', 'active', {}, { n: 3 }, []]);
  });

  it('hands nothing from connection to connection that somebody has altered in a snapshot', () => {
    const machine = createMachine({
      context: { n: 0 },
      initial: 'a',
      states: {
        a: {
          tags: 'in-a',
          initial: 'x',
          states: { x: { initial: 'y', states: { y: {} } } },
          on: { go: { actions: assign({ n: 1 }) } },
        },
      },
    }) as AnyStateMachine;
    planMachine(machine, types);
    const spoilt = createActor(machine).start();
    for (const moment of ['before', 'after']) {
      const { value, tags } = snapshotOf(spoilt) as { value: { a: { x: string } }; tags: Set<string> };
      value.a.x = moment;
      tags.clear();
      spoilt.send({ type: 'go' });
    }
    const other = createActor(machine).start();
    other.send({ type: 'go' });
    expect(snapshotOf(other).value).toEqual({ a: { x: 'y' } });
    expect([...(snapshotOf(other).tags as Set<string>)]).toEqual(['in-a']);
  });

  it('keeps to guards that answer otherwise each time, in parallel states with a common one', () => {
    const { ours, theirs } = bothWays(
      (note) => {
        let asked = 0;
        const guard = (): boolean => {
          note('asked', ++asked);
          return asked % 3 !== 0;
        };
        const region = (name: string): object => ({
          initial: 'one',
          states: {
            one: { on: { go: { guard, target: 'two', actions: () => note(name, 'one') } } },
            two: {
              on: {
                go: [
                  { guard, target: 'one' },
                  { guard, actions: () => note(name, 'two') },
                ],
              },
            },
          },
          on: { go: { guard, actions: () => note(name, 'outer') } },
        });
        return { type: 'parallel', states: { x: region('x'), y: region('y') }, on: { go: { guard, target: '.x' } } };
      },
      sends(...Array.from({ length: 40 }, () => 'go')),
    );
    expect(ours).toEqual(theirs);
  });

  it('may be asked what it would do, and asked by pure functions, while it does something', () => {
    const { ours, theirs, counts } = bothWays(
      (note) => {
        const look = ({ self }: Arguments): void => {
          const snapshot = snapshotOf(self);
          note('can', snapshot.can({ type: 'go' } as never), snapshot.can({ type: 'other' } as never));
          const [next, actions] = transition(snapshot.machine, snapshot, { type: 'other' } as never);
          note('would', next.context, actions.length, next === snapshot);
        };
        return {
          on: {
            go: { guard: () => (note('asked go'), true), actions: [look, assign({ n: 1 }), look] },
            other: { guard: () => (note('asked other'), true), actions: [assign({ n: 7 }), look] },
            third: { guard: () => true, actions: [look, raise({ type: 'other' })] },
          },
        };
      },
      sends('go', 'third', 'other', 'go', 'third'),
    );
    expect(ours).toEqual(theirs);
    expect(counts.planned).toBeGreaterThan(0);
    expect(counts.left).toBeGreaterThan(0);
  });

  it('may be sent to and stopped from its own actions, guards, params and subscriptions', () => {
    const { ours, theirs } = bothWays(
      (note) => {
        let budget = 6;
        let me: AnyActorRef | undefined;
        const nudge = (what: string) => (): unknown => {
          note(what);
          if (budget-- > 0) me!.send({ type: 'other' });
          return true;
        };
        return {
          entry: ({ self }: Arguments) => {
            me = self;
          },
          on: {
            go: { guard: nudge('guard'), actions: [{ type: 'act', params: nudge('params') }, nudge('action')] },
            other: { actions: [assign((({ context }: Arguments) => ({ n: context.n + 1 })) as never), nudge('again')] },
            third: { actions: [({ self }: { self: AnyActor }) => self.stop(), nudge('after stop')] },
          },
        };
      },
      (actor) => {
        let once = true;
        actor.subscribe(() => {
          if (once) actor.send({ type: 'go' } as never);
          once = false;
        });
        sends('go', 'third', 'go', 'other')(actor);
      },
    );
    expect(ours).toEqual(theirs);
    expect(ours).toContainEqual(['complete']);
  });

  const thrower = (): never => {
    throw new Error('boom');
  };
  it.each(
    Object.entries({
      'an action': thrower,
      'the params of an action': { type: 'act', params: thrower },
      'a function that assigns': assign(thrower),
      'a property that is assigned': assign({ n: thrower } as never),
      'an event that is emitted': emit(thrower as never),
      'a value that is logged': log(thrower),
      'the target of an event': sendTo(thrower as never, { type: 'x' } as never),
      'an actor that is not there': sendTo('nobody', { type: 'x' } as never),
      'an assignment of nothing': assign((() => undefined) as never),
      'an assignment of a number': assign((() => 5) as never),
      'an assignment of text': assign((() => 'ab') as never),
    }),
  )('comes to the same end after: %s', (_what, action) => {
    const { ours, theirs, counts } = bothWays(
      (note) => ({
        initial: 'a',
        exit: () => note('exit'),
        states: {
          a: {
            exit: [assign({ n: 1 }), () => note('left')],
            on: { go: { target: 'b', actions: [() => note('before'), action, () => note('after')] } },
          },
          b: { entry: () => note('entered') },
        },
      }),
      sends('go', 'go'),
    );
    expect(ours).toEqual(theirs);
    expect(counts.planned).toBeGreaterThan(0);
  });

  it('orders actions by how its states were reached, as XState does', () => {
    const region = (note: Note, name: string): object => ({
      initial: 'off',
      states: {
        off: { on: { [name]: 'on' }, exit: () => note(name, 'off left') },
        on: { on: { [name]: 'off' }, exit: () => note(name, 'on left') },
      },
    });
    const { ours, theirs } = bothWays(
      (note) => ({
        initial: 'all',
        states: {
          all: {
            type: 'parallel',
            states: { go: region(note, 'go'), other: region(note, 'other') },
            on: { third: { target: 'all', reenter: true } },
          },
        },
      }),
      (actor, note) => {
        for (const type of ['other', 'go', 'third', 'go', 'other', 'third', 'go', 'go', 'other', 'third']) {
          actor.send({ type });
          note(Object.keys((snapshotOf(actor).value as { all: object }).all));
          note((snapshotOf(actor) as unknown as { _nodes: { id: string }[] })._nodes.map(({ id }) => id));
        }
      },
    );
    expect(ours).toEqual(theirs);
  });

  // Seconds of calculation, and more of them beside other work.
  it(
    'is planned with thousands of states too, and remembers a bounded number of combinations',
    { timeout: 20_000 },
    () => {
      const states = (count: number, of: (index: number) => object): object =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, of(index)]));
      const ring = { initial: 's0', states: states(3000, (index) => ({ on: { go: `s${(index + 1) % 3000}` } })) };
      // 12 counters of two states each, which count to 4096 together.
      const bits = {
        type: 'parallel',
        states: states(12, (bit) => ({
          initial: 'zero',
          states: {
            zero: { on: { go: { guard: ({ context }: Arguments) => (context.n & (1 << bit)) > 0, target: 'one' } } },
            one: { on: { go: { guard: ({ context }: Arguments) => (context.n & (1 << bit)) === 0, target: 'zero' } } },
          },
        })),
        on: { other: { actions: assign({ n: ({ context }: Arguments) => context.n + 1 } as never) } },
      };
      const steps = Array.from({ length: 2000 }, () => ['other', 'go']).flat();
      for (const machine of [ring, bits]) {
        const { ours, theirs, counts } = bothWays(() => machine, sends(...steps));
        expect(ours.length).toBe(theirs.length);
        expect(ours.at(-1)).toEqual(theirs.at(-1));
        expect(counts.planned).toBeGreaterThan(1000);
        expect(counts.left).toBeGreaterThan(1000);
      }
    },
  );

  it('remembers a bounded number of decisions, whatever they lead to', () => {
    const types = Array.from({ length: 4500 }, (_, number) => `type ${number}`);
    const on = Object.fromEntries(types.map((type) => [type, { actions: 'raised' }]));
    const machine = createMachine({ on }, { actions: { raised: raise({ type: 'type 0' } as never) } });
    const plans = new Plans(internalsOf(machine), []);
    const configuration = plans.configurationOf(createActor(machine).getSnapshot() as never)!;
    for (const type of types) plans.decide(configuration, { type });
    expect(configuration.decisions.size).toBeGreaterThan(1000);
    expect(configuration.decisions.size).toBeLessThanOrEqual(4000);
  });

  it('leaves a machine of many thousand states and events to XState', () => {
    const on = Object.fromEntries(Array.from({ length: 6000 }, (_, number) => [`type ${number}`, {}]));
    const machine = createMachine({ on });
    const plans = new Plans(internalsOf(machine), []);
    expect(plans.configurationOf(createActor(machine).getSnapshot() as never)).toBeUndefined();
  });
});
