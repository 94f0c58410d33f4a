/** What a machine must not say to its service, as it would do nothing in silence, or fail when it comes to it. */
import type { AnyStateMachine } from 'xstate';
import { TroupeError } from '../errors.ts';
import { describes, wsEventTypes } from './events.ts';
import { messageActions } from './message-actions.ts';
import type { AnyMessages } from './message-types.ts';
import { codecOf } from './messages.ts';
import { needsParams } from './own-actions.ts';

/** What is read of XState's state nodes. */
interface StateNode {
  readonly entry: readonly Action[];
  readonly exit: readonly Action[];
  readonly initial: Acts;
  readonly transitions: ReadonlyMap<string, readonly Acts[]>;
  readonly always?: readonly Acts[];
  readonly states: Readonly<Record<string, StateNode>>;
}
interface Acts {
  readonly actions: readonly Action[];
}
/** A function is an action itself, or one of XState's own. */
type Action = string | ((...args: never[]) => unknown) | { readonly type: string; readonly params?: unknown };

/**
 * Guards are not looked at, as one that nothing implements fails the machine; nor is what an action raises or sends:
 * XState ignores an event that no state takes, and it may be for an actor that nobody knows here.
 *
 * @throws {TroupeError} `TROUPE_MACHINE_UNFIT`
 */
export function checkMachine(service: string, machine: AnyStateMachine, messages: AnyMessages | undefined): void {
  const reason =
    unknownEvent(machine) ?? (messages && unknownMessage(machine, messages)) ?? unusableAction(machine, messages);
  if (reason !== undefined) throw new TroupeError('TROUPE_MACHINE_UNFIT', { service, reason });
}

function unknownEvent(machine: AnyStateMachine): string | undefined {
  const unknown = stranger(machine, 'ws', wsEventTypes);
  return unknown && `it handles "${unknown}", but the events of a connection are ${listed(wsEventTypes)}`;
}

function unknownMessage(machine: AnyStateMachine, messages: AnyMessages): string | undefined {
  const codec = codecOf(messages);
  const told = {
    message: { of: 'incoming messages', types: [...codec.incomingTypes] },
    reply: { of: 'requests', types: codec.requestTypes },
    unanswered: { of: 'requests', types: codec.requestTypes },
  };
  for (const [prefix, { of, types }] of Object.entries(told)) {
    const known = types.map((type) => `${prefix}.${type}`);
    const unknown = stranger(machine, prefix, known);
    if (unknown !== undefined) return `it handles "${unknown}", but the service's ${of} are ${listed(types)}`;
  }
  return undefined;
}

/** The first event below `prefix` that a state handles and that nothing of `known` is. */
function stranger(machine: AnyStateMachine, prefix: string, known: readonly string[]): string | undefined {
  const named = (machine.events as readonly string[]).filter((one) => one.startsWith(`${prefix}.`));
  return named.find((one) => one !== `${prefix}.*` && !known.some((type) => describes(one, type)));
}

function unusableAction(machine: AnyStateMachine, messages: AnyMessages | undefined): string | undefined {
  const { actions } = machine.implementations as { readonly actions: Readonly<Record<string, unknown>> };
  const forMessages = new Set<unknown>(Object.values(messageActions));
  for (const action of actionsBelow(machine.root as unknown as StateNode)) {
    if (typeof action === 'function') continue;
    const { type, params } = typeof action === 'string' ? { type: action } : action;
    const implementation = actions[type];
    if (implementation === undefined) {
      return `it names the action "${type}", which nothing implements; implemented are ${listed(Object.keys(actions))}`;
    }
    if (params === undefined && needsParams(implementation)) {
      return `it names the action "${type}" without params; write { type: '${type}', params: {...} }`;
    }
    if (messages === undefined && forMessages.has(implementation)) {
      return `it names the action "${type}", which is for messages, but the service declares none`;
    }
  }
  return undefined;
}

function* actionsBelow(node: StateNode): Generator<Action> {
  yield* node.entry;
  yield* node.exit;
  yield* node.initial.actions;
  for (const transitions of [...node.transitions.values(), node.always ?? []]) {
    for (const { actions } of transitions) yield* actions;
  }
  for (const child of Object.values(node.states)) yield* actionsBelow(child);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
