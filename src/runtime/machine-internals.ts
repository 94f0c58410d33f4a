/** The parts of XState's state machines that `planned-machine.ts` and its helpers touch, and nothing else does. */
import type { AnyStateMachine, AnyActorRef, EventObject, SnapshotStatus, StateValue } from 'xstate';

export interface Transition {
  readonly source: StateNode;
  readonly target: readonly StateNode[] | undefined;
  actions: readonly unknown[];
  guard?: unknown;
}

export interface StateNode {
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly states: Readonly<Record<string, StateNode>>;
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly invoke: readonly unknown[];
  readonly tags: readonly string[];
  readonly initial: { actions: readonly unknown[] };
  entry: readonly unknown[];
  exit: readonly unknown[];
  always: readonly Transition[] | undefined;
  output: unknown;
}

/** A snapshot, with everything that XState gives it, in the order in which it does. */
export interface Snapshot {
  readonly status: SnapshotStatus;
  readonly output: unknown;
  readonly error: unknown;
  readonly machine: Machine;
  readonly context: object;
  readonly _nodes: readonly StateNode[];
  readonly value: StateValue;
  readonly tags: Set<string>;
  readonly children: Readonly<Record<string, AnyActorRef>>;
  readonly historyValue: object;
  readonly matches: unknown;
  readonly hasTag: unknown;
  readonly can: unknown;
  readonly getMeta: unknown;
  readonly toJSON: unknown;
}

export interface Action {
  readonly type: string;
  readonly info: ActionArguments;
  readonly params: unknown;
  readonly exec: ((info: ActionArguments, params: unknown) => unknown) | undefined;
}

export interface ActionArguments {
  readonly context: object;
  readonly event: EventObject;
  readonly self: unknown;
  readonly system: unknown;
}

export interface Microstep {
  readonly type: '@xstate.microstep';
  readonly actorRef: unknown;
  readonly event: EventObject;
  readonly snapshot: Snapshot;
  readonly _transitions: readonly Transition[];
}

/** What an actor lends its logic. */
export interface Scope {
  readonly self: unknown;
  readonly system: { _sendInspectionEvent(event: Microstep): void };
  readonly actionExecutor: (action: Action) => void;
}

export interface Machine {
  readonly root: StateNode;
  config: { readonly context?: unknown };
  readonly implementations: { readonly actions: Readonly<Record<string, unknown>> };
  options: object;
  transition: (snapshot: Snapshot, event: EventObject, scope: Scope) => Snapshot;
  getInitialSnapshot: (scope: Scope, input: unknown) => Snapshot;
  getTransitionData(snapshot: Pick<Snapshot, 'value' | 'context' | 'machine'>, event: EventObject): Transition[];
  provide(implementations: object): Machine;
}

export function internalsOf(machine: AnyStateMachine): Machine {
  return machine as unknown as Machine;
}
