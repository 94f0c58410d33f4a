/**
 * Makes a machine of a service safe to run among others.
 *
 * XState asks guards and computes assignments in the middle of a transition, so
 * they must answer at once. An async one would count as `true`, or assign
 * nothing, and its rejection would end the process: here it is an error of that
 * machine, with the remedy. And XState never ends a loop of eventless
 * transitions unless told to; here it is told.
 *
 * A machine is gone through once, when it is first run; what is wrapped are its
 * own functions, in the place where XState keeps them. What is only made while
 * it runs is out of reach: what a function enqueues in `enqueueActions`, and an
 * async `context` or `output`.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { TroupeError } from '../errors.ts';
import { isThenable, onRejected } from '../thenable.ts';

/** How many microsteps one event may take before a machine counts as looping. */
const MAX_ITERATIONS = 1000;

type AnyFunction = (...args: never[]) => unknown;

/** What XState keeps of transitions, guards and built-in actions, as far as it is looked at here. */
interface Transition {
  guard?: unknown;
  readonly actions: readonly unknown[];
}
interface Builtin {
  guards?: unknown[];
}

const done = new WeakSet<object>();

/** Isolates `machine`, once. */
export function isolateMachine(machine: AnyStateMachine): void {
  if (done.has(machine)) return;
  done.add(machine);
  const { options, implementations } = machine;
  if (options?.maxIterations === Infinity) options.maxIterations = MAX_ITERATIONS;
  const isolated = (kind: 'guards' | 'delays', isolate: (part: unknown, what: string) => unknown): unknown =>
    Object.fromEntries(
      Object.entries(implementations[kind] as object).map(([name, part]: [string, unknown]) => [
        name,
        isolate(part, `${kind.slice(0, -1)} "${name}"`),
      ]),
    );
  machine.implementations = {
    ...implementations,
    guards: isolated('guards', (guard, what) => isolateGuard(machine, guard, what)) as typeof implementations.guards,
    delays: isolated('delays', (delay, what) =>
      typeof delay === 'function' ? synchronous(machine, delay as AnyFunction, what) : delay,
    ) as typeof implementations.delays,
  };
  for (const action of Object.values<unknown>(implementations.actions)) isolateAction(machine, action);
  isolateState(machine, machine.root);
}

function isolateState(machine: AnyStateMachine, state: AnyStateNode): void {
  for (const action of [...state.entry, ...state.exit]) isolateAction(machine, action);
  const transitions: Transition[] = [...state.transitions.values(), state.always ?? []].flat();
  for (const transition of transitions) {
    if (transition.guard !== undefined) transition.guard = isolateGuard(machine, transition.guard, 'inline guard');
    for (const action of transition.actions) isolateAction(machine, action);
  }
  for (const action of state.initial?.actions ?? []) isolateAction(machine, action);
  for (const invoked of state.invoke) isolateAction(machine, invoked);
  for (const child of Object.values<AnyStateNode>(state.states)) isolateState(machine, child);
}

function isolateGuard(machine: AnyStateMachine, guard: unknown, what: string): unknown {
  if (typeof guard !== 'function') return guard;
  const builtin = guard as Builtin & AnyFunction;
  if ('check' in builtin) {
    if (builtin.guards !== undefined) {
      builtin.guards = builtin.guards.map((inner) => isolateGuard(machine, inner, 'inline guard'));
    }
    return builtin;
  }
  return synchronous(machine, builtin, what);
}

/** What XState calls to carry an action out, as opposed to what the action was made of. */
const MECHANISM: ReadonlySet<string> = new Set(['resolve', 'execute', 'retryResolve']);

/** How users call what XState calls a part of an action. */
const PARTS: Readonly<Record<string, string>> = { assignment: 'assign', collect: 'enqueueActions' };

/** Built-in actions hold the functions that they were made of as properties: assignments, events, delays, collectors. */
function isolateAction(machine: AnyStateMachine, action: unknown): void {
  if (action === null || (typeof action !== 'function' && typeof action !== 'object')) return;
  const parts = action as Record<string, unknown>;
  for (const [name, part] of Object.entries(parts)) {
    if (MECHANISM.has(name)) continue;
    // A frozen object keeps its function, and only loses the clearer error.
    if (typeof part === 'function')
      Reflect.set(parts, name, synchronous(machine, part as AnyFunction, PARTS[name] ?? `${name} of an action`));
    else if (name === 'assignment') isolateAction(machine, part);
  }
}

function synchronous(machine: AnyStateMachine, original: AnyFunction, what: string): AnyFunction {
  if (done.has(original)) return original;
  const wrapped: AnyFunction = (...args) => {
    const result = original(...args);
    if (!isThenable(result)) return result;
    const error = new TroupeError('TROUPE_MACHINE_ASYNC', { machine: machine.id, what });
    onRejected(result, (cause) => {
      error.cause = cause;
    });
    throw error;
  };
  done.add(wrapped);
  return wrapped;
}
