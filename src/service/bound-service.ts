/** Which service the actor of shared state acts for, and what it can do there without a connection. */
import type { AnyActorRef, EventObject } from 'xstate';
import { TroupeError } from '../errors.ts';
import { boundConnection } from './bound-connection.ts';
import type { Except, GlobalFunctions } from './connection.ts';
import type { Answer, Delivery } from './outcome.ts';

/** @internal What shared state may do: all that needs no connection. */
export interface ServiceFunctions extends GlobalFunctions {
  /** The name of the service. */
  readonly service: string;
  broadcastText(text: string, options?: Except): Delivery;
  broadcastBinary(data: Uint8Array, options?: Except): Delivery;
}

/** @internal Beside that, when its service declares messages. */
export interface ServiceMessageFunctions extends ServiceFunctions {
  broadcast(message: object, options?: Except): Delivery;
  pushToConnection(name: string, message: object): Answer<Delivery>;
  pushToGroup(group: string, message: object, options?: Except): Delivery;
}

/** @internal What takes events for shared state, with the actor that sends them. */
export interface SharedReceiver {
  receive(source: AnyActorRef, event: EventObject): void;
}

/** @internal Shared state, as its actor acts for it. */
export interface BoundShared extends ServiceMessageFunctions {
  /** Something that its actor has started failed later. */
  failed(error: unknown): void;
}

const bound = new WeakMap<AnyActorRef, BoundShared>();

/** @internal Says which shared state the actor, and whatever it starts, acts for. */
export function bindToShared(actor: AnyActorRef, shared: BoundShared): void {
  bound.set(actor, shared);
}

/** @internal The actor acts for it no more. */
export function releaseFromShared(actor: AnyActorRef): void {
  bound.delete(actor);
}

/** @internal The shared state that `actor` or one of its parents acts for. */
export function boundShared(actor: AnyActorRef): BoundShared | undefined {
  for (let current: AnyActorRef | undefined = actor; current !== undefined; current = current._parent) {
    const shared = bound.get(current);
    if (shared !== undefined) return shared;
  }
  return undefined;
}

/** @internal What `actor` can do without a connection. @throws {TroupeError} `TROUPE_ACTION_OUTSIDE_CONNECTION` */
export function serviceOf(actor: AnyActorRef, action: string): ServiceFunctions {
  const service = boundShared(actor) ?? boundConnection(actor);
  if (service === undefined) throw new TroupeError('TROUPE_ACTION_OUTSIDE_CONNECTION', { action });
  return service;
}
