import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  cancel,
  createActor,
  enqueueActions,
  fromTransition,
  setup,
  SimulatedClock,
  type AnyActorRef,
  type EventObject,
} from 'xstate';
import { installIndexedScheduler } from '../../src/runtime/scheduler.ts';

type Later = { delay: number; id: string; note: string };

/** Schedules, raises and cancels as it is told to, and has a timer of its own that stops when it is told to rest. */
const sleeper = setup({
  types: {} as {
    context: { name: string; log: (line: string) => void };
    input: { name: string; log: (line: string) => void };
    events:
      | ({ type: 'raise' } & Later)
      | ({ type: 'tell' } & Later)
      | { type: 'cancel'; id: string }
      | { type: 'woken'; note: string }
      | { type: 'rest' }
      | { type: 'stir' };
  },
  actions: {
    raiseLater: enqueueActions(({ enqueue, event }) => {
      const { delay, id, note } = event as Later;
      enqueue.raise({ type: 'woken', note }, { delay, id });
    }),
    tellLater: enqueueActions(({ enqueue, event, context, self }) => {
      const { delay, id, note } = event as Later;
      enqueue.sendTo(self._parent!, { type: 'told', note: `${context.name} ${note}` }, { delay, id });
    }),
    cancel: cancel(({ event }) => (event as { id: string }).id),
    note: ({ context, event }) => context.log(`${context.name} woken ${(event as Later).note}`),
    noteTimer: ({ context }) => context.log(`${context.name} stirred`),
  },
}).createMachine({
  context: ({ input }) => input,
  initial: 'stirring',
  on: {
    raise: { actions: 'raiseLater' },
    tell: { actions: 'tellLater' },
    cancel: { actions: 'cancel' },
    woken: { actions: 'note' },
  },
  states: {
    stirring: { on: { rest: 'resting' }, after: { 40: { target: 'stirring', reenter: true, actions: 'noteTimer' } } },
    resting: { on: { stir: 'stirring' } },
  },
});

type Step =
  | { do: 'send'; actor: number; event: EventObject }
  | { do: 'stop'; actor: number }
  | { do: 'wait'; ms: number };

/** The part of XState's actor scope that the types leave out. */
interface Stopper {
  stopChild(child: AnyActorRef): void;
}

const ACTORS = 3;

/** Plays the steps in a fresh system and says what happened when. */
function play(steps: readonly Step[], isIndexed: boolean): { log: string[]; pending: number } {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const note = (line: string): void => {
    log.push(`${clock.now()}: ${line}`);
  };
  let stopChild: (child: AnyActorRef) => void = () => {};
  const root = createActor(
    fromTransition((state: null, event: EventObject, scope) => {
      stopChild = (child) => (scope as unknown as Stopper).stopChild(child);
      if (event.type === 'told') note((event as EventObject & { note: string }).note);
      return state;
    }, null),
    { clock },
  );
  if (isIndexed) installIndexedScheduler(root.system, clock);
  root.start();
  root.send({ type: 'begin' });
  const actors = Array.from({ length: ACTORS }, (_, index) =>
    createActor(sleeper, { parent: root, id: `actor ${index}`, input: { name: `actor ${index}`, log: note } }).start(),
  );
  for (const step of steps) {
    if (step.do === 'wait') clock.increment(step.ms);
    else if (step.do === 'send') actors[step.actor]!.send(step.event as never);
    else stopChild(actors[step.actor]!);
  }
  clock.increment(1);
  return { log, pending: pendingOf(clock) };
}

function pendingOf(clock: SimulatedClock): number {
  return (clock as unknown as { timeouts: Map<unknown, unknown> }).timeouts.size;
}

const actors = fc.nat({ max: ACTORS - 1 });
const delays = fc.integer({ min: 1, max: 60 });

/** Steps in which no id is used again while it waits: see the tests about that. */
const scripts = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('later' as const),
          actor: actors,
          type: fc.constantFrom('raise', 'tell'),
          delay: delays,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('cancel' as const), actor: actors, back: fc.nat({ max: 5 }) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('move' as const),
          actor: actors,
          type: fc.constantFrom('rest', 'stir'),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), actor: actors }) },
    ),
    { maxLength: 40 },
  )
  .map((drawn) =>
    drawn.map((one, index): Step => {
      switch (one.do) {
        case 'later': {
          const { actor, type, delay } = one;
          return { do: 'send', actor, event: { type, delay, id: `id ${index}`, note: `note ${index}` } as EventObject };
        }
        case 'cancel': {
          const id = `id ${index - 1 - one.back}`;
          return { do: 'send', actor: one.actor, event: { type: 'cancel', id } as EventObject };
        }
        case 'move':
          return { do: 'send', actor: one.actor, event: { type: one.type } };
        default:
          return one;
      }
    }),
  );

describe('the indexed scheduler', () => {
  it('does what XState does: the same events at the same times, the same timers left', () => {
    fc.assert(
      fc.property(scripts, (steps) => {
        expect(play(steps, true)).toEqual(play(steps, false));
      }),
      { numRuns: 200 },
    );
  });

  it('delivers an event when its time has come', () => {
    const event = { type: 'raise', delay: 10, id: 'a', note: 'x' } as EventObject;
    const steps: Step[] = [
      { do: 'send', actor: 0, event: { type: 'rest' } },
      { do: 'send', actor: 0, event },
      { do: 'wait', ms: 9 },
      { do: 'wait', ms: 1 },
    ];
    const { log } = play(steps, true);
    expect(log).toEqual(['10: actor 0 woken x']);
  });

  it.each([true, false])(
    'keeps both events under an id that is used again, as XState does (indexed: %s)',
    (indexed) => {
      const { clock, system, root, heard } = bareSystem(new SimulatedClock(), indexed);
      system.scheduler.schedule(root, root, { type: 'first' }, 10, 'same');
      system.scheduler.schedule(root, root, { type: 'second' }, 20, 'same');
      expect(pendingOf(clock)).toBe(2);
      clock.increment(10);
      expect(heard).toEqual(['first']);
      clock.increment(10);
      expect(heard).toEqual(['first', 'second']);
      expect(pendingOf(clock)).toBe(0);
    },
  );

  it.each([true, false])('cancels the one that was set last under an id, as XState does (indexed: %s)', (indexed) => {
    const { clock, system, root, heard } = bareSystem(new SimulatedClock(), indexed);
    system.scheduler.schedule(root, root, { type: 'first' }, 20, 'same');
    system.scheduler.schedule(root, root, { type: 'second' }, 10, 'same');
    system.scheduler.cancel(root, 'same');
    clock.increment(20);
    expect(heard).toEqual(['first']);
  });

  it('cancels one after the other under an id, the one that was set last first', () => {
    const { clock, system, root, heard } = bareSystem();
    for (const type of ['first', 'second', 'third']) system.scheduler.schedule(root, root, { type }, 10, 'same');
    system.scheduler.cancel(root, 'same');
    system.scheduler.cancel(root, 'same');
    clock.increment(10);
    expect(heard).toEqual(['first']);
    system.scheduler.cancel(root, 'same');
  });

  it('leaves no event under a re-used id behind when its actor stops', () => {
    const { clock, system, root, heard, stop } = bareSystem();
    const child = childOf(root);
    system.scheduler.schedule(child, root, { type: 'first' }, 10, 'same');
    system.scheduler.schedule(child, root, { type: 'second' }, 20, 'same');
    stop(child);
    expect(pendingOf(clock)).toBe(0);
    clock.increment(20);
    expect(heard).toEqual([]);
  });

  it('can still cancel the later event under an id when the earlier has fired', () => {
    const { clock, system, root, heard } = bareSystem();
    system.scheduler.schedule(root, root, { type: 'first' }, 10, 'same');
    system.scheduler.schedule(root, root, { type: 'second' }, 20, 'same');
    clock.increment(10);
    system.scheduler.cancel(root, 'same');
    clock.increment(10);
    expect(heard).toEqual(['first']);
    expect(pendingOf(clock)).toBe(0);
  });

  it('keeps the ids of different actors apart', () => {
    const { clock, system, root, heard } = bareSystem();
    const other = childOf(root);
    system.scheduler.schedule(root, root, { type: 'of the root' }, 10, 'same');
    system.scheduler.schedule(other, root, { type: 'of the other' }, 10, 'same');
    system.scheduler.cancel(other, 'same');
    clock.increment(10);
    expect(heard).toEqual(['of the root']);
  });

  it('delivers events without an id, each of them', () => {
    const { clock, system, root, heard } = bareSystem();
    // The types ask for an id, XState's own delayed sends may come without one.
    const scheduler = system.scheduler as unknown as { schedule(...args: unknown[]): void };
    scheduler.schedule(root, root, { type: 'one' }, 10);
    scheduler.schedule(root, root, { type: 'two' }, 10);
    clock.increment(10);
    expect(heard.toSorted()).toEqual(['one', 'two']);
  });

  it('cancels what is not there without a word', () => {
    const { system, root } = bareSystem();
    system.scheduler.cancel(root, 'nothing');
    system.scheduler.cancelAll(root);
  });

  it('forgets a timer that has fired', () => {
    const clock = new CountingClock();
    const { system, root } = bareSystem(clock);
    system.scheduler.schedule(root, root, { type: 'x' }, 10, 'id');
    clock.increment(10);
    system.scheduler.cancel(root, 'id');
    system.scheduler.cancelAll(root);
    expect(clock.cleared).toBe(0);
  });

  it('lets an event that fires schedule the next under its own id', () => {
    const clock = new SimulatedClock();
    let count = 0;
    const root = createActor(
      fromTransition((state: null, event: EventObject, { self, system }) => {
        if (event.type === 'tick' && ++count < 3) system.scheduler.schedule(self, self, { type: 'tick' }, 10, 'tick');
        return state;
      }, null),
      { clock },
    );
    installIndexedScheduler(root.system, clock);
    root.start();
    root.system.scheduler.schedule(root, root, { type: 'tick' }, 10, 'tick');
    for (let times = 0; times < 5; times++) clock.increment(10);
    expect(count).toBe(3);
    expect(pendingOf(clock)).toBe(0);
  });
});

describe('stopping an actor among 50 000 timers', () => {
  it('looks at the timers of that actor only', () => {
    const clock = new CountingClock();
    const { system, root, stop } = bareSystem(clock);
    for (let index = 0; index < 50_000; index++) {
      const event = { type: 'x' };
      system.scheduler.schedule(childKey(index), root, event, 1000, 'timer');
    }
    const [idle, busy] = [childOf(root), childOf(root)];
    system.scheduler.schedule(busy, root, { type: 'x' }, 1000, 'one');
    system.scheduler.schedule(busy, root, { type: 'x' }, 1000, 'two');
    clock.cleared = 0;
    // Stock XState goes through this table on every stop.
    let reads = 0;
    const { _snapshot } = system as unknown as { _snapshot: { _scheduledEvents: object } };
    _snapshot._scheduledEvents = new Proxy({}, { ownKeys: () => (reads++, []) });
    stop(idle);
    expect(clock.cleared).toBe(0);
    stop(busy);
    expect(clock.cleared).toBe(2);
    expect(clock.pending).toBe(50_000);
    expect(reads).toBe(0);
  });
});

describe('what the scheduler relies on in XState', () => {
  it('is three methods of the scheduler of a system', () => {
    const { system } = createActor(fromTransition((state: null) => state, null));
    expect(Object.keys(system.scheduler).toSorted()).toEqual(['cancel', 'cancelAll', 'schedule']);
  });

  it('is a relay of the system that delivers at once and is called by no receiver', () => {
    const heard: unknown[] = [];
    const events: string[] = [];
    const root = createActor(
      fromTransition((state: null, event: EventObject) => {
        heard.push(event);
        return state;
      }, null),
      { inspect: (event) => events.push(event.type) },
    ).start();
    const { _relay: relay } = root.system as unknown as {
      _relay: (this: void, source: unknown, target: unknown, event: EventObject) => void;
    };
    const event = { type: 'x' };
    events.length = 0;
    relay(root, root, event);
    expect(heard).toEqual([event]);
    expect(events).toContain('@xstate.event');
  });

  it('is that delayed sends, raises, cancels and stops go through these methods', () => {
    const clock = new SimulatedClock();
    const root = createActor(sleeper, { clock, input: { name: 'root', log: () => {} } });
    const schedule = vi.spyOn(root.system.scheduler, 'schedule');
    const cancelOne = vi.spyOn(root.system.scheduler, 'cancel');
    const cancelAll = vi.spyOn(root.system.scheduler, 'cancelAll');
    const calls = (): number[] => [schedule, cancelOne, cancelAll].map((spy) => spy.mock.calls.length);
    root.start();
    expect(calls()).toEqual([1, 0, 0]);
    root.send({ type: 'raise', delay: 5, id: 'a', note: '' });
    expect(calls()).toEqual([2, 0, 0]);
    root.send({ type: 'cancel', id: 'a' });
    expect(calls()).toEqual([2, 1, 0]);
    root.send({ type: 'rest' });
    expect(calls()).toEqual([2, 2, 0]);
    root.stop();
    expect(cancelAll.mock.calls).toEqual([[root]]);
  });
});

class CountingClock extends SimulatedClock {
  cleared = 0;

  override clearTimeout(id: number): void {
    this.cleared++;
    super.clearTimeout(id);
  }

  get pending(): number {
    return pendingOf(this);
  }
}

function bareSystem(clock = new SimulatedClock(), isIndexed = true) {
  const heard: string[] = [];
  let stop: (child: AnyActorRef) => void = () => {};
  const root = createActor(
    fromTransition((state: null, event: EventObject, scope) => {
      stop = (child) => (scope as unknown as Stopper).stopChild(child);
      if (event.type !== 'begin') heard.push(event.type);
      return state;
    }, null),
    { clock },
  );
  if (isIndexed) installIndexedScheduler(root.system, clock);
  root.start();
  root.send({ type: 'begin' });
  return { clock, system: root.system, root, heard, stop: (child: AnyActorRef) => stop(child) };
}

function childOf(parent: AnyActorRef): AnyActorRef {
  return createActor(
    fromTransition((state: null) => state, null),
    { parent },
  ).start();
}

/** Stands for an actor: the scheduler asks nothing of it but to be itself. */
function childKey(index: number): AnyActorRef {
  return { id: String(index) } as unknown as AnyActorRef;
}
