/** What a machine must not say to its service, as it would do nothing in silence. */
import type { AnyStateMachine } from 'xstate';
import { TroupeError } from '../errors.ts';
import { describes } from './events.ts';
import type { AnyMessages } from './message-types.ts';
import { codecOf } from './messages.ts';

/** @throws {TroupeError} `TROUPE_MACHINE_UNFIT` */
export function checkMachine(service: string, machine: AnyStateMachine, messages: AnyMessages | undefined): void {
  const reason = messages && unknownMessage(machine, messages);
  if (reason !== undefined) throw new TroupeError('TROUPE_MACHINE_UNFIT', { service, reason });
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
    const unknown = strangers(machine, prefix, known);
    if (unknown !== undefined) {
      return `it handles "${unknown}", but the service's ${of} are ${listed(types)}`;
    }
  }
  return undefined;
}

/** The first event below `prefix` that a state handles and that nothing of `known` is. */
function strangers(machine: AnyStateMachine, prefix: string, known: readonly string[]): string | undefined {
  const named = (machine.events as readonly string[]).filter((one) => one.startsWith(`${prefix}.`));
  return named.find((one) => one !== `${prefix}.*` && !known.some((type) => describes(one, type)));
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
