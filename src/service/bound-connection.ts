/** Which connection an actor of a service's machine acts for. */
import type { AnyActorRef } from 'xstate';
import { TroupeError } from '../errors.ts';
import type { Connection } from './connection.ts';

/** What an action is given, as far as it is needed. */
export interface Acting {
  readonly self: AnyActorRef;
}

/** On an actor: its connection. It is asked for with each action, so it is no look-up. */
const CONNECTION = Symbol('connection');

interface Bound {
  [CONNECTION]?: Connection | undefined;
}

/** @internal Makes room for that where `actor`, which has no fields yet, begins: what is near to it is in the processor's cache. */
export function reserveConnection(actor: object): void {
  (actor as Bound)[CONNECTION] = undefined;
}

/** @internal Says which connection the actor, and whatever it starts, acts for. */
export function bindToConnection(actor: AnyActorRef, connection: Connection): void {
  (actor as Bound)[CONNECTION] = connection;
}

/** @internal The actor acts for its connection no more: another one takes its place. */
export function releaseFromConnection(actor: AnyActorRef): void {
  (actor as Bound)[CONNECTION] = undefined;
}

/** @internal The connection that `actor` itself is the machine of. */
export function connectionOfMachine(actor: AnyActorRef): Connection | undefined {
  return (actor as Bound)[CONNECTION];
}

/** @internal The connection that `actor` or one of its parents was started for. */
export function boundConnection(actor: AnyActorRef): Connection | undefined {
  for (let current: AnyActorRef | undefined = actor; current !== undefined; current = current._parent) {
    const connection = connectionOfMachine(current);
    if (connection !== undefined) return connection;
  }
  return undefined;
}

/** @internal @throws {TroupeError} `TROUPE_ACTION_OUTSIDE_CONNECTION` */
export function connectionOf(actor: AnyActorRef, action: string): Connection {
  const connection = boundConnection(actor);
  if (connection === undefined) throw new TroupeError('TROUPE_ACTION_OUTSIDE_CONNECTION', { action });
  return connection;
}

/** @internal */
export function exceptSelf(connection: Connection, leaveOut: boolean | undefined): { except: string[] } | undefined {
  return leaveOut === true ? { except: [connection.id] } : undefined;
}
