/**
 * Actors that hold a registry: one stable snapshot around maps, about 0.1 µs an
 * event.
 *
 * A request carries the place for its answer. XState delivers synchronously, so
 * the answer is there when `send` returns; it is missing only when the registry
 * was asked from within one of its own transitions (an inspector that pushes,
 * say), and then the request is carried out right after that transition.
 */
import type { ActorLogic, ActorRefFrom, EventObject } from 'xstate';
import { expectRoomToPush } from './headroom.ts';
import { ownLogic } from './own-logic.ts';

/** An event that is answered. */
export interface Request<Answer> extends EventObject {
  answer?: Answer;
}

/** The snapshot of a registry: always the same object while it is active. */
export interface RegistrySnapshot<State> {
  readonly status: 'active' | 'stopped';
  readonly output: undefined;
  readonly error: undefined;
  readonly context: State;
}

export type RegistryLogic<State, Event extends EventObject> = ActorLogic<RegistrySnapshot<State>, Event, State>;
export type RegistryRef<State, Event extends EventObject> = ActorRefFrom<RegistryLogic<State, Event>>;

/** Actor logic around `state`; `handle` carries an event out and must neither throw nor call user code. */
export function registryLogic<State, Event extends EventObject>(
  handle: (state: State, event: Event) => void,
): RegistryLogic<State, Event> {
  return ownLogic<RegistryLogic<State, Event>>({
    getInitialSnapshot: (_scope, state) => snapshotOf(state, 'active'),
    getPersistedSnapshot: (snapshot) => snapshot,
    transition(snapshot, event) {
      if (event.type === 'xstate.stop') return snapshotOf(snapshot.context, 'stopped');
      handle(snapshot.context, event);
      return snapshot;
    },
  });
}

type Kind<Event, Type> = Extract<Event, { readonly type: Type }>;
type AnswerTo<Event, Type> = Kind<Event, Type> extends Request<infer Answer> ? Answer : never;

/** Sends `request` and returns its answer, or `later` when the registry could not answer at once. */
export function ask<Event extends EventObject, const Type extends Event['type']>(
  actor: { send(event: Event): void },
  request: { readonly type: Type } & Kind<Event, Type>,
  later: AnswerTo<Event, Type>,
): AnswerTo<Event, Type> {
  expectRoomToPush();
  actor.send(request);
  return (request as Request<AnswerTo<Event, Type>>).answer ?? later;
}

function snapshotOf<State>(context: State, status: 'active' | 'stopped'): RegistrySnapshot<State> {
  return { status, output: undefined, error: undefined, context };
}
