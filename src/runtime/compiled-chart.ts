/**
 * Runs a statechart from `machines/` without interpreting it for every event.
 *
 * Theory of operation
 *
 * XState computes a transition anew for each event: 4 to 17 µs for a small
 * chart, as much as a whole echo in bare `ws`. The charts of the runtime keep
 * no data, so what an event does depends on the active states and on the
 * answers of the guards, and on nothing else. This module therefore asks XState
 * once for each (active states, event, guard answers) that really occurs,
 * remembers what it said, and from then on looks it up.
 *
 * What is remembered for an event is a decision: either a step (the actions, in
 * XState's order, and the configuration that follows) or a guard to ask and the
 * decisions behind its two answers. Nothing about statecharts is written a
 * second time here: nested and parallel states, wildcards, `onDone`
 * and entry order are XState's own answers. A property test runs both side by
 * side over random charts' events (`test/runtime/compiled-chart.test.ts`).
 *
 * What a chart must keep to: actions and guards by name, no `assign`, no
 * `after`, no `always`, no `invoke`, no spawning. `compileChart` refuses anything
 * else.
 */
import {
  getMicrosteps,
  initialTransition,
  transition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  type EventObject,
  type StateValue,
} from 'xstate';
import { TroupeError } from '../errors.ts';

/** The implementations of a chart's named actions and guards. `Host` is what they act upon. */
export interface ChartImplementations<Host, Event extends EventObject> {
  readonly actions: Readonly<Record<string, (host: Host, event: Event) => void>>;
  readonly guards: Readonly<Record<string, (host: Host, event: Event) => boolean>>;
}

/** A set of active states of a chart; one object for each, shared by all actors that are in it. */
export interface Configuration<Host, Event extends EventObject> {
  readonly value: StateValue;
  readonly status: 'active' | 'done';
  readonly tags: ReadonlySet<string>;
  /** XState's own snapshot of this configuration: `matches`, `can` and `getMeta` come from it. */
  readonly snapshot: AnyMachineSnapshot;
  readonly decisions: Map<string, Decision<Host, Event>>;
}

/** What an event leads to: the actions in order, then the next configuration. */
export interface Step<Host, Event extends EventObject> {
  readonly kind: 'step';
  readonly next: Configuration<Host, Event>;
  readonly actions: readonly ((host: Host, event: Event) => void)[];
  readonly actionNames: readonly string[];
  /** The transitions of the chart that are taken, in order, for those who inspect it. */
  readonly transitions: readonly TakenTransition[];
}

export type TakenTransition = ReturnType<AnyStateMachine['getTransitionData']>[number];

interface Question<Host, Event extends EventObject> {
  readonly kind: 'question';
  readonly guard: (host: Host, event: Event) => boolean;
  readonly yes: Decision<Host, Event>;
  readonly no: Decision<Host, Event>;
}

type Decision<Host, Event extends EventObject> = Step<Host, Event> | Question<Host, Event>;

/** A chart that is ready to run. */
export interface CompiledChart<Host, Event extends EventObject> {
  readonly id: string;
  readonly machine: AnyStateMachine;
  readonly initial: Step<Host, Event>;
  /** What `event` does in `configuration`. Pure but for asking the guards. */
  step(configuration: Configuration<Host, Event>, event: Event, host: Host): Step<Host, Event>;
}

/** Charts know some twenty types of events; what else may be sent to them by code that should not must not pile up. */
const MOST_DECISIONS = 256;

type Answers = ReadonlyMap<string, boolean>;

/**
 * Compiles a chart against its implementations.
 *
 * @throws {TroupeError} `TROUPE_CHART_NOT_COMPILABLE` when the chart uses what a compiled chart cannot hold.
 */
export function compileChart<Host, Event extends EventObject>(
  machine: AnyStateMachine,
  implementations: ChartImplementations<Host, Event>,
): CompiledChart<Host, Event> {
  checkState(machine, machine.root);
  const actions = new Map(Object.entries(implementations.actions));
  const guards = new Map(Object.entries(implementations.guards));
  checkNames(machine, 'action', machine.implementations.actions, actions);
  checkNames(machine, 'guard', machine.implementations.guards, guards);
  const configurations = new Map<string, Configuration<Host, Event>>();

  let answers: Answers = new Map();
  let unanswered: string | undefined;
  const oracle = machine.provide({
    guards: Object.fromEntries(
      [...guards.keys()].map((name) => [
        name,
        () => {
          const answer = answers.get(name);
          if (answer === undefined) unanswered ??= name;
          return answer ?? false;
        },
      ]),
    ),
  });

  function configurationOf(snapshot: AnyMachineSnapshot): Configuration<Host, Event> {
    if (snapshot.status === 'error' || snapshot.status === 'stopped') {
      throw notCompilable(machine.id, `it ended as "${snapshot.status}"`, snapshot.error);
    }
    if (Object.keys(snapshot.children as object).length > 0) throw notCompilable(machine.id, 'it starts actors');
    const key = JSON.stringify(snapshot.value);
    let configuration = configurations.get(key);
    if (configuration === undefined) {
      const { status, tags } = snapshot;
      const value = snapshot.value as StateValue;
      configuration = { value, status, tags, snapshot, decisions: new Map() };
      configurations.set(key, configuration);
    }
    return configuration;
  }

  function stepTo(
    snapshot: AnyMachineSnapshot,
    executed: readonly { type: string }[],
    transitions: readonly TakenTransition[],
  ): Step<Host, Event> {
    const actionNames = executed.map(({ type }) => type);
    return {
      kind: 'step',
      next: configurationOf(snapshot),
      actionNames,
      transitions,
      actions: actionNames.map((name) => {
        const action = actions.get(name);
        if (action === undefined) throw notCompilable(machine.id, `its action "${name}" has no name of its own`);
        return action;
      }),
    };
  }

  /** Asks XState under `assumed` answers; for each guard that it asks beyond them, both ways. */
  function decide(
    ask: () => readonly [AnyMachineSnapshot, readonly { type: string }[]],
    taken: () => readonly TakenTransition[],
    assumed: Answers,
  ): Decision<Host, Event> {
    answers = assumed;
    unanswered = undefined;
    const [snapshot, executed] = ask();
    const name = unanswered as string | undefined;
    if (name === undefined) return stepTo(snapshot, executed, taken());
    return {
      kind: 'question',
      guard: guards.get(name)!,
      yes: decide(ask, taken, new Map([...assumed, [name, true]])),
      no: decide(ask, taken, new Map([...assumed, [name, false]])),
    };
  }

  /** Apart from `step`, which would otherwise make a context for this closure with every event. */
  function learn(configuration: Configuration<Host, Event>, event: Event): Decision<Host, Event> {
    const { snapshot } = configuration;
    const decision = decide(
      () => transition(oracle, snapshot, event),
      () => takenFor(oracle, snapshot, event).map((taken) => counterpart(machine, taken)),
      new Map(),
    );
    if (configuration.decisions.size < MOST_DECISIONS) configuration.decisions.set(event.type, decision);
    return decision;
  }

  const initial = decide(
    () => initialTransition(oracle, undefined),
    () => [],
    new Map(),
  );
  if (initial.kind === 'question') throw notCompilable(machine.id, 'its initial state depends on a guard');

  return {
    id: machine.id,
    machine,
    initial,
    step(configuration, event, host) {
      let decision = configuration.decisions.get(event.type) ?? learn(configuration, event);
      while (decision.kind === 'question') {
        decision = decision.guard(host, event) ? decision.yes : decision.no;
      }
      return decision;
    },
  };
}

/**
 * The transitions that `event` takes. Those that follow at once have no event that could be asked for; without delays
 * and eventless transitions it is that a state is done.
 */
function takenFor(oracle: AnyStateMachine, from: AnyMachineSnapshot, event: EventObject): readonly TakenTransition[] {
  const taken = [...oracle.getTransitionData(from, event)];
  const [first, ...further] = getMicrosteps(oracle, from, event).map(([snapshot]) => snapshot as AnyMachineSnapshot);
  let current = first;
  for (const next of further) {
    // That a region is done is an event as well, which mostly nothing follows from.
    if (JSON.stringify(next.value) === JSON.stringify(current!.value)) continue;
    const nodes: readonly AnyStateNode[] = current!._nodes;
    const types = nodes.map(({ id }) => `xstate.done.state.${id}`);
    const done = types.map((type) => oracle.getTransitionData(current!, { type })).find(({ length }) => length > 0);
    taken.push(...(done ?? []));
    current = next;
  }
  return taken;
}

/** The transition of `machine` that `taken` is in a machine made from it. */
function counterpart(machine: AnyStateMachine, taken: TakenTransition): TakenTransition {
  const { source } = taken;
  const eventType = taken.eventType as string;
  const index = source.transitions.get(eventType)?.indexOf(taken) ?? -1;
  return machine.getStateNodeById(source.id).transitions.get(eventType)?.[index] ?? taken;
}

/** Whether `guard` is a function of its own, or one stands inside `and`, `or` or `not`. */
function hasInlineGuard(guard: unknown): boolean {
  if (typeof guard !== 'function') return false;
  if (!('check' in guard)) return true;
  return 'guards' in guard && Array.isArray(guard.guards) && guard.guards.some(hasInlineGuard);
}

/** Refuses what a lookup by active states and guard answers cannot hold. */
function checkState(machine: AnyStateMachine, state: AnyStateNode): void {
  const refuse = (what: string): never => {
    throw notCompilable(machine.id, `the state "${state.id}" ${what}`);
  };
  if (state.type === 'history') refuse('remembers its history');
  if (state.invoke.length > 0) refuse('invokes an actor');
  if (state.after.length > 0) refuse('waits for a delay');
  // XState takes eventless transitions in an order that depends on the way there, not on the active states alone.
  if (state.always !== undefined && state.always.length > 0) refuse('has eventless transitions');
  const transitions = [...state.transitions.values(), state.always ?? []].flat();
  for (const { guard } of transitions) {
    if (hasInlineGuard(guard)) refuse('has an inline guard');
  }
  for (const action of [...state.entry, ...state.exit, ...transitions.flatMap(({ actions }) => actions)]) {
    if (typeof action === 'function') refuse('has an inline action');
  }
  for (const child of Object.values<AnyStateNode>(state.states)) checkState(machine, child);
}

/** The chart's placeholders and the implementations must be the same names: neither may be forgotten. */
function checkNames(
  machine: AnyStateMachine,
  kind: 'action' | 'guard',
  declared: Readonly<Record<string, unknown>>,
  implemented: ReadonlyMap<string, unknown>,
): void {
  for (const [name, placeholder] of Object.entries(declared)) {
    if (typeof placeholder === 'function' && 'resolve' in placeholder) {
      throw notCompilable(machine.id, `its ${kind} "${name}" is one of XState's own`);
    }
    if (!implemented.has(name)) throw notCompilable(machine.id, `nothing implements its ${kind} "${name}"`);
  }
  for (const name of implemented.keys()) {
    if (!Object.hasOwn(declared, name)) throw notCompilable(machine.id, `it declares no ${kind} "${name}"`);
  }
}

function notCompilable(chart: string, reason: string, cause?: unknown): TroupeError {
  return new TroupeError('TROUPE_CHART_NOT_COMPILABLE', { chart, reason }, { cause });
}
