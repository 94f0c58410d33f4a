/** What a service says of the state that its connections share. */
import type { ActorRefFromLogic, AnyActorLogic, InputFrom } from 'xstate';
import { checkOptions, wrongType } from '../arguments.ts';
import { checkRestartFrom } from './supervision.ts';

/**
 * The shared state of a service, as its connections and the embedding program see it: a reference to an XState actor,
 * which stays valid over its restarts. `Logic` is what was passed as `shared`.
 *
 * What is sent is taken at once and in order, unless the actor is taking another event or waits to begin anew: then it
 * waits, with at most 1 000 others. What finds no room, or comes when the actor has ended, is told as
 * `shared.dead-lettered`. `subscribe`, `on` and `select` last until the connection closes or its service begins anew
 * for it; through restarts of the actor they go on, and an observer is told no `error`, but the first snapshot of the
 * next life. An observer that throws ends its own connection. `start` and `stop` are not for users: they throw.
 */
export type Shared<Logic extends AnyActorLogic> = ActorRefFromLogic<Logic>;

/** Shared state with more to say than its logic. */
export type SharedSettings<Logic extends AnyActorLogic> = {
  /** A machine, `fromTransition(...)`, or any other XState actor logic. */
  readonly logic: Logic;
  /** Where it begins anew when it fails. @defaultValue `supervision.restartFrom` of the service */
  readonly restartFrom?: 'start' | 'snapshot';
} & (undefined extends InputFrom<Logic>
  ? { readonly input?: InputFrom<Logic> }
  : {
      /** The input of the logic, the same one whenever it begins. */
      readonly input: InputFrom<Logic>;
    });

/** Logic that asks for no input may stand by itself. */
type Alone<Logic extends AnyActorLogic> =
  undefined extends InputFrom<Logic> ? Logic : { readonly logic: Logic; readonly input: InputFrom<Logic> };

export type SharedOption<Logic extends AnyActorLogic> = (Logic & Alone<Logic>) | SharedSettings<Logic>;

/** What connections see of it: nothing, when the service declares none. */
export type SharedOf<Logic extends AnyActorLogic | undefined> = Logic extends AnyActorLogic ? Shared<Logic> : undefined;

/** What a service says of its shared state. */
export interface SharedDeclaration<Logic extends AnyActorLogic | undefined> {
  /**
   * State that all connections of the service share: one actor for each attached service, from when it is attached until
   * it has stopped. Crashes of connections do not touch it. @defaultValue none
   */
  readonly shared?: Logic extends AnyActorLogic ? SharedOption<Logic> : undefined;
}

/** @internal Shared state with nothing left out. */
export interface SharedRules {
  readonly logic: AnyActorLogic;
  readonly input: unknown;
  /** As supervision says, if undefined. */
  readonly restartFrom: 'start' | 'snapshot' | undefined;
}

/** @internal @throws {TroupeTypeError} for what is none */
export function sharedRules(shared: unknown): SharedRules | undefined {
  if (shared === undefined) return undefined;
  if (isLogic(shared)) return { logic: shared, input: undefined, restartFrom: undefined };
  const expected = 'actor logic such as a machine, or { logic, input, restartFrom }';
  if (typeof shared !== 'object' || shared === null || !('logic' in shared))
    throw wrongType('shared', expected, shared);
  checkOptions('shared', shared, ['logic', 'input', 'restartFrom']);
  const { logic, input, restartFrom } = shared as Partial<SharedRules>;
  if (!isLogic(logic)) throw wrongType('shared.logic', 'actor logic such as a machine', logic);
  checkRestartFrom('shared.restartFrom', restartFrom);
  return { logic, input, restartFrom };
}

/** Not by `instanceof`: a program may have its own copy of XState, or logic of its own. */
function isLogic(value: unknown): value is AnyActorLogic {
  if (typeof value !== 'object' || value === null) return false;
  const { transition, getInitialSnapshot, getPersistedSnapshot } = value as Partial<AnyActorLogic>;
  return [transition, getInitialSnapshot, getPersistedSnapshot].every((one) => typeof one === 'function');
}
