/**
 * Tells which transitions the machines of services take.
 *
 * XState and the plans both say so to inspectors, by `_sendInspectionEvent` of
 * the system, whoever may listen. That is overheard here; only the machine that
 * a connection was given is told of, not what that machine starts.
 */
import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import { connectionOfMachine } from '../service/bound-connection.ts';
import type { Events } from '../telemetry/events.ts';
import type { TakenTransition } from './compiled-chart.ts';
import { edgesOf, statesOf } from './edges.ts';

interface InspectionEvent {
  readonly type: string;
  readonly actorRef: AnyActorRef;
  readonly event?: EventObject;
  readonly snapshot?: unknown;
  readonly _transitions?: readonly TakenTransition[];
}

interface SystemInternals {
  _sendInspectionEvent(event: InspectionEvent): void;
}

/** From now on tells `events` of each step of the machines in `system`, while anybody listens. */
export function overhearMachines(system: AnyActorRef['system'], events: Events): void {
  const internals = system as unknown as SystemInternals;
  const send = internals._sendInspectionEvent;
  const topic = events.topics['machine.transitioned'];
  internals._sendInspectionEvent = (event) => {
    if (topic.isHeard) tellOf(event, events);
    send(event);
  };
}

function tellOf(
  { type, actorRef, event, snapshot, _transitions: transitions = [] }: InspectionEvent,
  events: Events,
): void {
  const isBeginning = type === '@xstate.snapshot' && event?.type === 'xstate.init';
  const isStep = type === '@xstate.microstep' && transitions.length > 0;
  if (!isBeginning && !isStep) return;
  const connection = connectionOfMachine(actorRef);
  if (connection === undefined) return;
  const { id, service } = connection;
  const now = snapshot as AnyMachineSnapshot;
  events.emit('machine.transitioned', {
    connection: id,
    service,
    machine: now.machine.id,
    event: event!.type,
    edges: edgesOf(transitions),
    states: statesOf(now),
  });
}
