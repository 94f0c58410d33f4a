/**
 * Runs a service's machine without interpreting it anew for every event.
 *
 * Theory of operation
 *
 * XState needs 1 to 5 µs for an event of a small machine. Most of it goes into
 * working out what has been worked out before: which states are left and
 * entered, in which order, and the state value, the nodes and the tags of the
 * next snapshot. All of that depends on the active states (their order included,
 * which depends on how they were reached) and on the transitions that were
 * selected, and on nothing else. So it is asked of XState once
 * (`machine-oracle.ts`), remembered as a plan (`machine-plans.ts`), and carried
 * out from then on: the actions in XState's order and through the actor's own
 * executor, built-in ones by XState's own functions (`planned-actions.ts`), then
 * the next snapshot and the same inspection event. The beginning is planned like
 * an event, and stopping a machine that has started no actors needs no plan.
 *
 * Which transitions an event selects is XState's answer too. If no guard is
 * asked it is always the same one and is remembered; otherwise XState is asked
 * each time, so that guards are called exactly as often and with what they
 * always are.
 *
 * Everything that a plan does not hold is left to XState, event by event:
 * eventless transitions, history, invoked actors, `raise`, `enqueueActions`,
 * done states, a machine's end, what else XState itself sends, events whose type is
 * nowhere named. Between the two there is nothing to hand over, as both work on
 * the same snapshots. `test/runtime/planned-machine.property.test.ts` runs both
 * side by side over random machines and events.
 *
 * It is relied on that XState keeps a machine's states and transitions as they
 * were made. Its implementations may be replaced at any time between two events.
 */
import { StateMachine, type AnyActorRef, type AnyStateMachine, type EventObject, type StateValue } from 'xstate';
import { onRejected } from '../thenable.ts';
import { internalsOf, type Machine, type Scope, type Snapshot, type Transition } from './machine-internals.ts';
import { Plans, type Configuration, type Plan } from './machine-plans.ts';
import { assignTo, carryOutBuiltin, paramsOf, type Before } from './planned-actions.ts';

/**
 * How many actors of planned machines began by a plan, how many events were carried out by one, and how many were left
 * to XState. For tests.
 */
export interface PlanCounts {
  begun: number;
  planned: number;
  /** Those of the planned ones that nobody followed, see `quiet-steps.ts`. */
  quiet: number;
  left: number;
}

const planned = new WeakMap<AnyStateMachine, PlanCounts>();

/** On a machine that is planned: it is asked for with every event, so it is no look-up. */
const PLANNED = Symbol('planned');

/** How `logic` is planned, if it is. */
export function plannedMachineOf(logic: unknown): Pick<PlannedMachine, 'takeQuietly' | 'mayDefer'> | undefined {
  return (logic as { readonly [PLANNED]?: PlannedMachine })[PLANNED];
}

/**
 * Plans `machine` from now on: in place, as the actors' snapshots and the inspector know it by its identity. `types`
 * are the events that come beside those that the machine names.
 */
export function planMachine(machine: AnyStateMachine, types: readonly string[]): PlanCounts {
  let counts = planned.get(machine);
  if (counts === undefined) {
    planned.set(machine, (counts = { begun: 0, planned: 0, quiet: 0, left: 0 }));
    if (isStock(machine)) new PlannedMachine(internalsOf(machine), types, counts).install();
  }
  return counts;
}

/** Whether `machine` is made by this copy of XState, and not altered since. */
function isStock(machine: AnyStateMachine): boolean {
  return (
    Object.getPrototypeOf(machine) === StateMachine.prototype &&
    !Object.hasOwn(machine, 'getTransitionData') &&
    !Object.hasOwn(machine, '_getPreInitialState') &&
    Object.isExtensible(machine) &&
    isBound(machine, 'transition') &&
    isBound(machine, 'getInitialSnapshot')
  );
}

/** Whether `machine` has the method that XState gave it. */
function isBound(machine: AnyStateMachine, method: 'transition' | 'getInitialSnapshot'): boolean {
  return (
    Object.getOwnPropertyDescriptor(machine, method)?.writable === true &&
    machine[method].name === `bound ${StateMachine.prototype[method].name}`
  );
}

const STOP = 'xstate.stop';

/** What is needed of an actor that takes an event quietly. */
export interface QuietlyActing {
  readonly _actorScope: object;
}

/** The system of an actor, and who is told when an async action of it rejected. */
export interface ActionReports {
  readonly system: AnyActorRef['system'];
  actorFailed(actor: AnyActorRef, error: unknown): void;
}

/** What actions change. */
type Changing = Pick<Snapshot, 'context' | 'children'>;

class PlannedMachine {
  /** Whether what was last taken quietly may have left its actor something to do once the snapshot is in place. */
  mayDefer = false;
  readonly #machine: Machine;
  readonly #counts: PlanCounts;
  readonly #plans: Plans;
  readonly #interpret: Machine['transition'];
  readonly #interpretBeginning: Machine['getInitialSnapshot'];
  /** What was put in the place of the machine's own: somebody else may put another one there. */
  readonly #planned: Machine['transition'] = (snapshot, event, scope) => this.#transition(snapshot, event, scope);
  /** The machine as built-in actions see it: XState works out a state value from its root, which here is nothing. */
  readonly #rootless: Machine;
  /** What XState is to find when it asks which transitions an event selects: the guards have answered already. */
  #selected: Transition[] | undefined;

  constructor(machine: Machine, types: readonly string[], counts: PlanCounts) {
    this.#machine = machine;
    this.#counts = counts;
    this.#plans = new Plans(machine, types);
    this.#interpret = machine.transition;
    this.#interpretBeginning = machine.getInitialSnapshot;
    this.#rootless = Object.create(machine as object, { root: { value: {} } }) as Machine;
  }

  /** Takes the place of the machine's own `transition` and `getInitialSnapshot`. */
  install(): void {
    const machine = this.#machine;
    Object.defineProperty(machine, PLANNED, { value: this });
    machine.transition = this.#planned;
    machine.getInitialSnapshot = (scope, input) => this.#begin(scope, input);
    const select = machine.getTransitionData.bind(machine);
    Object.defineProperty(machine, 'getTransitionData', {
      value: (snapshot: Snapshot, event: EventObject) => {
        const selected = this.#selected;
        if (selected === undefined) return select(snapshot, event);
        this.#selected = undefined;
        return selected;
      },
      configurable: true,
      writable: true,
    });
  }

  /** As XState begins a machine: nothing is told to inspectors, and the scope keeps actions until the actor starts. */
  #begin(scope: Scope, input: unknown): Snapshot {
    const beginning = this.#plans.beginning();
    if (beginning === undefined || !scope) return this.#interpretBeginning(scope, input);
    this.#counts.begun++;
    const { root, plan } = beginning;
    const event = { type: 'xstate.init', input };
    const { context } = this.#machine.config;
    const isMade = typeof context === 'function';
    let before: Changing = { context: !isMade && context ? context : {}, children: {} };
    const from = { status: 'active', output: undefined, error: undefined, machine: this.#machine } as const;
    const historyValue = {};
    try {
      if (isMade) {
        const make = context as (args: object) => object;
        before = assignTo(this.#actedOn(before), scope, event, ({ spawn, event: { input }, self }) =>
          make({ spawn, input, self }),
        );
      }
      const { context: made, children } = this.#act(plan, before, event, scope);
      return snapshotFrom({ ...from, historyValue }, plan.next!, made, children);
    } catch (error) {
      return snapshotFrom({ ...from, historyValue, status: 'error', error }, root, before.context, before.children);
    }
  }

  #transition(snapshot: Snapshot, event: EventObject, scope: Scope): Snapshot {
    const configuration = this.#plans.configurationOf(snapshot);
    // Nothing but an event with a type reaches an actor from the runtime; from the user's own code, anything might.
    if (configuration === undefined || typeof event?.type !== 'string') return this.#leave(snapshot, event, scope);
    const decision = configuration.decisions.get(event.type) ?? this.#plans.decide(configuration, event);
    if (decision === undefined) {
      return event.type === STOP && Object.keys(snapshot.children).length === 0
        ? this.#stop(configuration, snapshot, event, scope)
        : this.#leave(snapshot, event, scope);
    }
    const { always } = decision;
    if (always !== undefined) {
      // Inspectors get an array of their own, as from XState.
      return this.#plans.isValid(always)
        ? this.#carryOut(always, [...always.transitions], configuration, snapshot, event, scope)
        : this.#leave(snapshot, event, scope);
    }
    const transitions = this.#machine.getTransitionData(snapshot, event);
    const plan = this.#plans.planOf(decision.outcomes, configuration, event.type, transitions);
    if (plan !== undefined && this.#plans.isValid(plan)) {
      return this.#carryOut(plan, transitions, configuration, snapshot, event, scope);
    }
    this.#selected = transitions;
    try {
      return this.#leave(snapshot, event, scope);
    } finally {
      this.#selected = undefined;
    }
  }

  /**
   * What `event` does to an actor that nobody follows, if it is known and no guard is asked. `undefined`: nothing was
   * done. `reports` is told of async actions that reject.
   */
  takeQuietly(
    actor: QuietlyActing,
    snapshot: Snapshot,
    event: EventObject,
    reports: ActionReports,
  ): Snapshot | undefined {
    if (typeof event?.type !== 'string' || this.#machine.transition !== this.#planned) return undefined;
    const configuration = this.#plans.configurationOf(snapshot);
    const plan = configuration?.decisions.get(event.type)?.always;
    if (plan === undefined || !this.#plans.isValid(plan)) return undefined;
    this.#counts.planned++;
    this.#counts.quiet++;
    const after = this.#actQuietly(plan, snapshot, event, actor, reports);
    // Of this event: an action may have led to others.
    this.mayDefer = plan.mayDefer;
    return this.#following(snapshot, plan, configuration!, after);
  }

  #leave(snapshot: Snapshot, event: EventObject, scope: Scope): Snapshot {
    this.#counts.left++;
    return this.#interpret(snapshot, event, scope);
  }

  #carryOut(
    plan: Plan,
    transitions: readonly Transition[],
    configuration: Configuration,
    snapshot: Snapshot,
    event: EventObject,
    scope: Scope,
  ): Snapshot {
    this.#counts.planned++;
    const after = this.#act(plan, snapshot, event, scope);
    const next = this.#following(snapshot, plan, configuration, after);
    tellOfStep(scope, event, next, transitions);
    return next;
  }

  #following(snapshot: Snapshot, { next }: Plan, configuration: Configuration, after: Changing): Snapshot {
    if (next === undefined && after === snapshot) return snapshot;
    return snapshotFrom(snapshot, next ?? configuration, after.context, after.children);
  }

  /** Carries out the actions of `plan`. Answers with `before`, or with what takes its place. */
  #act(plan: Plan, before: Changing, event: EventObject, scope: Scope): Changing {
    const { self, system } = scope;
    let now = before;
    for (const { type, declared, implementation, builtin } of plan.actions!) {
      const { context } = now;
      const info = { context, event, self, system };
      const params = declared === undefined ? undefined : paramsOf(declared, context, event);
      if (builtin === undefined) {
        scope.actionExecutor({ type, info, params, exec: implementation });
        continue;
      }
      const actedOn = this.#actedOn(now);
      const after = carryOutBuiltin(builtin, scope, actedOn, info, params);
      if (after !== actedOn) now = after;
    }
    return now;
  }

  /** The same, but inspectors are not told, and the scope is left alone where nothing needs it. */
  #actQuietly(
    plan: Plan,
    before: Changing,
    event: EventObject,
    actor: QuietlyActing,
    reports: ActionReports,
  ): Changing {
    const { system } = reports;
    let now = before;
    for (const { declared, implementation, builtin } of plan.actions!) {
      const { context } = now;
      const info = { context, event, self: actor, system };
      const params = declared === undefined ? undefined : paramsOf(declared, context, event);
      if (builtin === undefined) {
        const result = implementation?.(info, params);
        if (result !== undefined) reportRejection(result, actor, reports);
        continue;
      }
      const actedOn = this.#actedOn(now);
      const after = carryOutBuiltin(builtin, actor._actorScope as Scope, actedOn, info, params);
      if (after !== actedOn) now = after;
    }
    return now;
  }

  #actedOn({ context, children }: Changing): Before {
    return { machine: this.#rootless, context, children, _nodes: [] };
  }

  /** As XState stops a machine that has no actors to stop. */
  #stop(configuration: Configuration, snapshot: Snapshot, event: EventObject, scope: Scope): Snapshot {
    this.#counts.planned++;
    const { context, children } = snapshot;
    const next = snapshotFrom({ ...snapshot, status: 'stopped' }, configuration, context, children);
    tellOfStep(scope, event, next, []);
    return next;
  }
}

/** Apart, so that only actions that answer with something cost a closure. */
function reportRejection(result: unknown, self: unknown, reports: ActionReports): void {
  onRejected(result, (error) => reports.actorFailed(self as AnyActorRef, error));
}

function tellOfStep(
  { self, system }: Scope,
  event: EventObject,
  snapshot: Snapshot,
  transitions: readonly Transition[],
): void {
  system._sendInspectionEvent({
    type: '@xstate.microstep',
    actorRef: self,
    event,
    snapshot,
    _transitions: transitions,
  });
}

/** As XState makes a snapshot from another one. */
function snapshotFrom(
  from: Pick<Snapshot, 'status' | 'output' | 'error' | 'machine' | 'historyValue'>,
  { sample, tags }: Configuration,
  context: object,
  children: Snapshot['children'],
): Snapshot {
  const { value } = sample;
  return {
    status: from.status,
    output: from.output,
    error: from.error,
    machine: from.machine,
    context,
    _nodes: sample._nodes,
    value: typeof value === 'string' ? value : copyOf(value),
    tags: new Set(tags),
    children,
    historyValue: from.historyValue,
    matches: sample.matches,
    hasTag: sample.hasTag,
    can: sample.can,
    getMeta: sample.getMeta,
    toJSON: sample.toJSON,
  };
}

function copyOf(value: Exclude<StateValue, string>): StateValue {
  const copy: Record<string, StateValue | undefined> = {};
  for (const key of Object.keys(value)) {
    const part = value[key];
    copy[key] = typeof part === 'object' ? copyOf(part) : part;
  }
  return copy as StateValue;
}
