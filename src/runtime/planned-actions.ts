/**
 * The actions that a planned machine carries out itself: custom ones, and those
 * built-in ones whose whole effect is the snapshot and the parameters that
 * XState's own `resolve` answers with. What an action does beyond that (raising
 * an event for the same macrostep, enqueueing further actions, starting or
 * stopping actors) is not accepted: its whole event is left to XState.
 */
import { assign, cancel, emit, log, raise, sendTo, type EventObject } from 'xstate';
import type { ActionArguments, Machine, Scope, Snapshot, StateNode } from './machine-internals.ts';

/** What the built-in actions know of a snapshot. */
export type Before = Pick<Snapshot, 'machine' | 'context' | 'children' | '_nodes'>;

type Resolve = <State extends Before>(
  scope: Scope,
  snapshot: State,
  args: ActionArguments,
  params: unknown,
  action: object,
  extra: object,
) => readonly [State, unknown, unknown];

interface Builtin {
  readonly type: string;
  readonly resolve: Resolve;
  readonly execute?: (scope: Scope, params: unknown) => void;
}

type Implementation = (info: ActionArguments, params: unknown) => unknown;

interface Declared {
  readonly params?: unknown;
}

export interface PlannedAction {
  readonly type: string;
  /** Where its parameters stand, if it has some: they are read each time. */
  readonly declared: Declared | undefined;
  /** Whether `implementation` is what the machine has under the name `type`. */
  readonly isNamed: boolean;
  readonly implementation: Implementation | undefined;
  readonly builtin: Builtin | undefined;
}

const resolveOf = (action: unknown): Resolve => (action as Builtin).resolve;

const resolveAssign = resolveOf(assign({}));
const resolveRaise = resolveOf(raise({ type: '' }));
const accepted: ReadonlySet<Resolve> = new Set([
  resolveAssign,
  resolveOf(emit({ type: '' })),
  resolveOf(log()),
  resolveOf(cancel('')),
  resolveOf(sendTo('', { type: '' })),
]);

/** Makes ready what `machine` declares as an action; `undefined` if only XState can carry it out. */
export function planAction(machine: Machine, action: unknown): PlannedAction | undefined {
  if (typeof action === 'function') return planned(action.name || '(anonymous)', undefined, false, action);
  const isObject = typeof action === 'object' && action !== null;
  const type = isObject && 'type' in action ? action.type : action;
  if (typeof type !== 'string') return undefined;
  const declared = isObject && 'params' in action ? action : undefined;
  return planned(type, declared, true, machine.implementations.actions[type]);
}

function planned(
  type: string,
  declared: Declared | undefined,
  isNamed: boolean,
  found: unknown,
): PlannedAction | undefined {
  if (found !== undefined && typeof found !== 'function') return undefined;
  const implementation = found as Implementation | undefined;
  if (implementation === undefined || !('resolve' in implementation)) {
    return { type, declared, isNamed, implementation, builtin: undefined };
  }
  const builtin = implementation as unknown as Builtin;
  const isDelayed = 'delay' in implementation && typeof implementation.delay === 'number';
  if (!accepted.has(builtin.resolve) && !(builtin.resolve === resolveRaise && isDelayed)) return undefined;
  return { type, declared, isNamed, implementation, builtin };
}

/** What the parameters of an action are now. */
export function paramsOf(declared: Declared, context: object, event: EventObject): unknown {
  return isDynamic(declared) ? declared.params({ context, event }) : declared.params;
}

function isDynamic(declared: Declared): declared is { params(args: { context: object; event: EventObject }): unknown } {
  return typeof declared.params === 'function';
}

const NOTHING = {};

/** Carries `builtin` out as XState does. Answers with `before`, or with what takes its place. */
export function carryOutBuiltin<State extends Before>(
  builtin: Builtin,
  scope: Scope,
  before: State,
  info: ActionArguments,
  params: unknown,
): State {
  const [after, resolved] = builtin.resolve(scope, before, info, params, builtin, NOTHING);
  if ('execute' in builtin) {
    const { type, execute } = builtin;
    scope.actionExecutor({ type, info, params: resolved, exec: execute!.bind(null, scope, resolved) });
  }
  return after;
}

interface AssignArguments {
  readonly spawn: unknown;
  readonly event: InitEvent;
  readonly self: unknown;
}

interface InitEvent extends EventObject {
  readonly input: unknown;
}

/** What XState makes of `before` when it assigns a context to it. */
export function assignTo(
  before: Before,
  scope: Scope,
  event: InitEvent,
  assignment: (args: AssignArguments) => object,
): Before {
  const info = { context: before.context, event, self: scope.self, system: scope.system };
  return resolveAssign(scope, before, info, undefined, { assignment }, NOTHING)[0];
}

/** The snapshot that XState makes of `machine` in the states `nodes`: an empty assignment is its way to make one. */
export function snapshotIn(machine: Machine, nodes: readonly StateNode[]): Snapshot {
  const before = { status: 'active', context: {}, children: {}, historyValue: {}, machine, _nodes: nodes };
  const info = { context: {}, event: { type: '' }, self: undefined, system: undefined };
  return resolveAssign({} as Scope, before as unknown as Snapshot, info, undefined, { assignment: {} }, NOTHING)[0];
}
