/** What an actor does, as viewers are told of it. */
import type { AnyActorRef, InspectedEventEvent, InspectedSnapshotEvent, InspectionEvent } from 'xstate';
import { activeStates, edgesOf, type ChartTransition } from './graph.ts';
import type { MicrostepFrame, StatelyFrame } from './protocol.ts';
import { chartOf } from './reading.ts';
import type { Place, StatelyWire } from './stately-wire.ts';

type Microstep = Extract<InspectionEvent, { readonly type: '@xstate.microstep' }>;
/** What viewers are told of one actor's doings. */
export type ToldDoing = InspectedEventEvent | InspectedSnapshotEvent | Microstep;

export function frameOf(wire: StatelyWire, told: ToldDoing, place: Place): StatelyFrame | MicrostepFrame {
  switch (told.type) {
    case '@xstate.event':
      return wire.event(told, place);
    case '@xstate.snapshot':
      return wire.snapshot(told, place);
    case '@xstate.microstep':
      return microstep(wire, told, place);
  }
}

function microstep(wire: StatelyWire, told: Microstep, place: Place): MicrostepFrame {
  const { event, snapshot, _transitions: transitions } = told;
  const actor = told.actorRef as AnyActorRef;
  const chart = chartOf(actor);
  const { value } = snapshot as { readonly value?: unknown };
  return {
    type: 'troupe.microstep',
    at: Date.now(),
    sessionId: actor.sessionId,
    ...place,
    event: wire.eventOf(actor, event),
    edges: chart === undefined ? [] : edgesOf(chart, transitions as unknown as readonly ChartTransition[]),
    active: chart === undefined ? [] : activeStates(chart, value),
  };
}
