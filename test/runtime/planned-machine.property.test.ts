/** Holds planned machines to XState: the same machine, the same events, one run by XState alone. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createActor,
  fromTransition,
  raise,
  SimulatedClock,
  type AnyActor,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
  type InspectionEvent,
} from 'xstate';
import { createMachineActor } from '../../src/runtime/machine-actor.ts';
import { isolateSystem } from '../../src/runtime/isolation.ts';
import { isolateMachine } from '../../src/runtime/machine-isolation.ts';
import { planMachine, type PlanCounts } from '../../src/runtime/planned-machine.ts';
import { eventTypes, machineSpec, oddEventTypes, type MachineSpec } from '../support/generated-machine-specs.ts';
import { buildMachine, type GeneratedEvent, type Journal } from '../support/generated-machines.ts';

type Stimulus =
  | { readonly does: 'send'; readonly who: number; readonly event: GeneratedEvent }
  | { readonly does: 'wait'; readonly who: number; readonly ms: number }
  | { readonly does: 'inspect'; readonly who: number }
  | { readonly does: 'subscribe'; readonly who: number }
  | { readonly does: 'restore'; readonly who: number }
  | { readonly does: 'begin'; readonly who: number }
  | { readonly does: 'mock'; readonly who: number }
  | { readonly does: 'stop'; readonly who: number };

interface Run {
  readonly spec: MachineSpec;
  readonly isIsolated: boolean;
  readonly hasParent: boolean;
  readonly isInspected: boolean;
  /** Nobody subscribes, and what is followed is known: then events are taken quietly. */
  readonly isQuiet: boolean;
  readonly stimuli: readonly Stimulus[];
}

const who = fc.nat({ max: 1 });
const send = fc.record({
  does: fc.constant('send' as const),
  who,
  event: fc.record({ type: fc.constantFrom(...eventTypes), v: fc.nat({ max: 3 }) }),
});
const sendOdd = send.chain((sent) =>
  fc.constantFrom(...oddEventTypes).map((type) => ({ ...sent, event: { ...sent.event, type } })),
);
const stimulus: fc.Arbitrary<Stimulus> = fc.oneof(
  { arbitrary: send, weight: 30 },
  { arbitrary: sendOdd, weight: 1 },
  { arbitrary: fc.record({ does: fc.constant('wait' as const), who, ms: fc.constantFrom(5, 10) }), weight: 3 },
  {
    arbitrary: fc.record({ does: fc.constantFrom('inspect' as const, 'restore' as const, 'mock' as const), who }),
    weight: 1,
  },
  { arbitrary: fc.record({ does: fc.constantFrom('begin' as const, 'subscribe' as const), who }), weight: 3 },
  { arbitrary: fc.record({ does: fc.constant('stop' as const), who }), weight: 1 },
);

const anyRun: fc.Arbitrary<Run> = fc.record({
  spec: machineSpec,
  isIsolated: fc.boolean(),
  hasParent: fc.boolean(),
  isInspected: fc.boolean(),
  isQuiet: fc.boolean(),
  stimuli: fc.array(stimulus, { minLength: 4, maxLength: 24, size: 'max' }),
});
/** Only what has a parent is made by the runtime, and what is inspected from the beginning is never quiet. */
const run = anyRun.map((any): Run => (any.isQuiet ? { ...any, hasParent: true, isInspected: false } : any));

/** What can be seen of an error; XState gives them away as they are. */
const errorOf = (error: unknown): unknown => (error instanceof Error ? `${error.name}: ${error.message}` : error);

/** What can be seen of the actors that a machine has started. */
const childrenOf = (children: object): unknown =>
  Object.entries(children as Record<string, AnyActorRef | undefined>).map(([id, child]) => [
    id,
    child?.id,
    child?.src,
    (child?.getSnapshot() as { status: unknown } | undefined)?.status,
  ]);

/** Everything that can be seen of a snapshot without calling the machine's functions. */
function looksOf(snapshot: AnyMachineSnapshot): unknown {
  if (!('_nodes' in snapshot))
    return { ...(snapshot as object), error: errorOf((snapshot as { error: unknown }).error) };
  const { status, value, context, output, error, tags, children, historyValue, _nodes } = snapshot;
  const ids = (nodes: unknown): string[] => (nodes as { id: string }[]).map(({ id }) => id);
  return {
    ...{ status, value: JSON.stringify(value), context: { ...(context as object) }, output: output as unknown },
    keys: Object.keys(snapshot),
    error: errorOf(error),
    tags: [...(tags as Set<string>)],
    hasTag: snapshot.hasTag?.('common' as never),
    children: childrenOf(children as object),
    history: Object.entries(historyValue as object).map(([id, nodes]) => [id, ids(nodes)]),
    nodes: ids(_nodes),
    meta: snapshot.getMeta?.() as unknown,
    matches: snapshot.matches?.(JSON.parse(JSON.stringify(value)) as never),
  };
}

/** One of the two sides: a machine, two actors that share it, and what has been noted of both. */
class Side {
  readonly journal: Journal = { entries: [], sends: 12, asked: 0 };
  readonly machine: AnyStateMachine;
  readonly #clock = new SimulatedClock();
  readonly #root: AnyActor;
  readonly #actors: AnyActor[];
  readonly #before: AnyMachineSnapshot[] = [];
  readonly #hasParent: boolean;
  readonly #isInspected: boolean;
  readonly #isQuiet: boolean;
  #isFollowed: boolean;
  readonly #create: typeof createMachineActor;

  constructor(
    { spec, isIsolated, hasParent, isInspected, isQuiet }: Run,
    create: typeof createMachineActor,
    prepare: (machine: AnyStateMachine) => void,
  ) {
    this.#create = create;
    this.#hasParent = hasParent;
    this.#isInspected = this.#isFollowed = isInspected;
    this.#isQuiet = isQuiet;
    const { entries } = this.journal;
    const heard = fromTransition((state: null, event: EventObject & { error?: unknown; output?: unknown }) => {
      entries.push(['parent heard', event.type, errorOf(event.error), event.output]);
      return state;
    }, null);
    this.#root = createActor(heard, {
      id: 'root',
      clock: this.#clock,
      logger: (...said) => entries.push(['log', said]),
    });
    this.#root.start();
    if (isQuiet) this.#isolate(this.#root.system);
    if (isInspected) this.#root.system.inspect((event) => entries.push(['inspected', seenBy(event)]));
    this.machine = buildMachine(spec, this.journal, this.#root);
    prepare(this.machine);
    if (isIsolated) isolateMachine(this.machine);
    this.#actors = [0, 1].map((index) => this.#make(index));
  }

  #isolate(system: AnyActor['system']): void {
    const { entries } = this.journal;
    isolateSystem(system, {
      actorFailed: (actor, error) => entries.push(['failed', actor.id, errorOf(error)]),
      observerFailed: (error) => entries.push(['observer failed', errorOf(error)]),
      during: (userCode) => userCode(),
      isFollowed: () => this.#isFollowed,
    });
  }

  start(): void {
    for (const actor of this.#actors) actor.start();
  }

  #make(index: number, snapshot?: unknown): AnyActor {
    const { entries } = this.journal;
    const common = { id: `actor${index}`, src: 'machine', input: { index } };
    const actor =
      this.#hasParent && snapshot === undefined
        ? this.#create(this.machine, { parent: this.#root, ...common })
        : createActor(this.machine, {
            ...common,
            clock: this.#clock,
            logger: (...said) => entries.push(['log', said]),
            ...(this.#hasParent && { parent: this.#root }),
            ...(this.#isInspected && {
              inspect: (event: InspectionEvent) => entries.push(['inspected', seenBy(event)]),
            }),
            ...(snapshot !== undefined && { snapshot: snapshot as never }),
          });
    const observer = {
      error: (error: unknown) => entries.push(['error', errorOf(error)]),
      complete: () => entries.push(['complete']),
    };
    if (this.#isQuiet) (actor as unknown as { observers: Set<unknown> }).observers.add(observer);
    else
      actor.subscribe({
        ...observer,
        next: (next) => entries.push(['next', looksOf(next as AnyMachineSnapshot)]),
      });
    actor.on('*', (event) => entries.push(['emitted', { ...(event as object) }]));
    return actor;
  }

  do(stimulus: Stimulus): void {
    const actor = this.#actors[stimulus.who]!;
    switch (stimulus.does) {
      case 'send':
        return actor.send(stimulus.event);
      case 'wait':
        this.#clock.increment(stimulus.ms);
        return;
      case 'inspect':
        this.#isFollowed = true;
        actor.system.inspect((event) => this.journal.entries.push(['inspected', seenBy(event)]));
        return;
      case 'subscribe':
        actor.subscribe({
          next: (next) => this.journal.entries.push(['next', looksOf(next as AnyMachineSnapshot)]),
          error: () => {},
        });
        return;
      case 'stop':
        return (actor as unknown as { _stop(): void })._stop();
      case 'mock': {
        const actions = this.machine.implementations.actions as Record<string, unknown>;
        actions[`act${stimulus.who}`] = () => this.journal.entries.push(['mocked']);
        if (stimulus.who === 1) actions['bump'] = raise({ type: 'c', v: 1 } as never);
        return;
      }
      case 'begin':
        // What has happened by then must make no difference to one that begins.
        this.#actors[stimulus.who] = this.#make(stimulus.who);
        this.looksAt(stimulus.who);
        this.#actors[stimulus.who]!.start();
        return;
      case 'restore':
        this.#restore(stimulus.who);
    }
  }

  #restore(index: number): void {
    const { entries } = this.journal;
    try {
      const persisted = JSON.parse(JSON.stringify(this.#actors[index]!.getPersistedSnapshot())) as unknown;
      entries.push(['persisted', JSON.stringify(persisted)]);
      this.#actors[index] = this.#make(index, persisted);
      this.#actors[index].start();
    } catch (error) {
      entries.push(['restore failed', errorOf(error)]);
    }
  }

  /** Notes what can be seen of an actor before it starts. */
  looksAt(index: number): void {
    this.journal.entries.push(['begins', looksOf(this.#actors[index]!.getSnapshot() as AnyMachineSnapshot)]);
  }

  /** Which parts of their snapshots the two actors share. */
  shared(): unknown {
    const [one, other] = this.#actors.map((actor) => actor.getSnapshot() as AnyMachineSnapshot);
    return (['context', 'children', 'historyValue', 'tags'] as const).filter(
      (part) => one![part] !== undefined && one![part] === other![part],
    );
  }

  /** What can be seen now; asking `can` calls guards, which note it. */
  looks(): unknown {
    return this.#actors.map((actor, index) => {
      const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
      const before = this.#before[index];
      this.#before[index] = snapshot;
      const isSame = snapshot === before;
      const isSameContext = snapshot.context === before?.context;
      const isSameChildren = snapshot.children === before?.children;
      return {
        isSame,
        isSameContext,
        isSameChildren,
        ...(looksOf(snapshot) as object),
        json: JSON.stringify(snapshot),
        can: this.#can(snapshot),
      };
    });
  }

  #can(snapshot: AnyMachineSnapshot): unknown {
    if (typeof snapshot.can !== 'function' || snapshot.status !== 'active') return 'nothing';
    return ['a', 'a.x'].map((type) => {
      try {
        return snapshot.can({ type, v: 1 } as never);
      } catch (error) {
        return errorOf(error);
      }
    });
  }
}

/** What an inspector sees, without what is numbered across the whole process. */
function seenBy(event: InspectionEvent): unknown {
  const { type, actorRef } = event;
  const common = [type, (actorRef as AnyActorRef).id];
  switch (event.type) {
    case '@xstate.event':
      return [...common, (event.sourceRef as AnyActorRef | undefined)?.id, JSON.stringify(event.event)];
    case '@xstate.action':
      return [...common, event.action.type, withoutActors(event.action.params)];
    case '@xstate.snapshot':
      return [...common, JSON.stringify(event.event), looksOf(event.snapshot as AnyMachineSnapshot)];
    case '@xstate.microstep': {
      const transitions = event._transitions.map((transition) => JSON.stringify(transition));
      return [...common, JSON.stringify(event.event), looksOf(event.snapshot as AnyMachineSnapshot), transitions];
    }
    default:
      return common;
  }
}

const withoutActors = (params: unknown): unknown => JSON.stringify(params);

/** Much quicker than `toEqual`, which is only asked for what it has to show. */
function same(ours: unknown, theirs: unknown): void {
  if (!isDeepStrictEqual(ours, theirs)) expect(ours).toStrictEqual(theirs);
}

/** Runs both side by side. Tells how many events a plan carried out. */
function compare(run: Run): PlanCounts | undefined {
  let theirs: Side;
  try {
    theirs = new Side(run, createActor, () => {});
  } catch {
    // Not every generated machine is one that XState takes.
    return undefined;
  }
  let counts: PlanCounts | undefined;
  const ours = new Side(run, createMachineActor, (machine) => {
    counts = planMachine(machine, eventTypes);
  });
  const agree = (): void => {
    same(ours.looks(), theirs.looks());
    same(ours.shared(), theirs.shared());
    same(ours.journal, theirs.journal);
    theirs.journal.entries.length = ours.journal.entries.length = 0;
  };
  agree();
  for (const side of [theirs, ours]) side.start();
  agree();
  for (const stimulus of run.stimuli) {
    for (const side of [theirs, ours]) side.do(stimulus);
    agree();
  }
  return counts;
}

/** More of them are worth their while after a change of XState, or of what plans hold. */
const RUNS = Number(process.env['PLANNED_MACHINE_RUNS'] ?? 500);

describe('a planned machine', () => {
  it('is not to be told from one that XState runs, over random machines and events', { timeout: 0 }, () => {
    const total = { begun: 0, planned: 0, quiet: 0, left: 0, refused: 0 };
    fc.assert(
      fc.property(run, (generated) => {
        const counts = compare(generated);
        if (counts === undefined) total.refused++;
        total.begun += counts?.begun ?? 0;
        total.planned += counts?.planned ?? 0;
        total.quiet += counts?.quiet ?? 0;
        total.left += counts?.left ?? 0;
      }),
      { numRuns: RUNS },
    );
    // It would hold of a plan that is never used, too.
    expect(total.planned).toBeGreaterThan(total.left / 4);
    expect(total.quiet).toBeGreaterThan(total.planned / 20);
    expect(total.begun).toBeGreaterThan(RUNS / 4);
    expect(total.refused).toBeLessThan(RUNS / 4);
  });
});
