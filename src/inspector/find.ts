/** Finds actors and connections by their ids, in slices: the runtime keeps no index for it. */
import type { AnyActorRef } from 'xstate';
import type { ActorItem } from './protocol.ts';
import { childrenIn, snapshotOf } from './reading.ts';
import type { InspectedConnection, InspectorSource } from './source.ts';
import { walk, type Manner } from './walk.ts';

const MAX_DESCENDANTS = 20;

export interface Belonging {
  readonly actor: AnyActorRef;
  readonly role: ActorItem['role'];
}

/** The actor of a connection, of its service's machine, and what that has started. */
export function* actorsOf(connection: InspectedConnection): Generator<Belonging> {
  yield { actor: connection.actor as AnyActorRef, role: 'lifecycle' };
  const machineActor = connection.performer?.actor;
  if (machineActor === undefined) return;
  yield { actor: machineActor, role: 'service' };
  let left = MAX_DESCENDANTS - 2;
  for (const actor of withDescendants(machineActor)) {
    if (actor === machineActor) continue;
    if (left-- === 0) return;
    yield { actor, role: 'child' };
  }
}

/** The actors that are not a connection's. */
export function* serverActors(source: InspectorSource): Generator<AnyActorRef> {
  yield source.supervisor;
  yield source.server;
  yield source.names;
  yield source.groups;
  if (source.backplane !== undefined) yield source.backplane;
  for (const { actor, shared } of source.services) {
    yield actor as unknown as AnyActorRef;
    if (shared === undefined) continue;
    yield shared.actor as unknown as AnyActorRef;
    let left = MAX_DESCENDANTS;
    for (const descendant of withDescendants(shared.latest)) {
      if (left-- === 0) break;
      yield descendant;
    }
  }
}

/** An actor and what it has started. */
function* withDescendants(actor: AnyActorRef): Generator<AnyActorRef> {
  const parents = [actor];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    yield parent;
    for (const [, child] of childrenIn(snapshotOf(parent), MAX_DESCENDANTS)) parents.push(child);
  }
}

/** All connections. */
export function* everyConnection(source: InspectorSource): Generator<InspectedConnection> {
  for (const { members, leaving } of source.services) {
    yield* members;
    yield* leaving;
  }
}

/** The actors with these sessionIds, those that exist. */
export async function findActors(
  source: InspectorSource,
  sessionIds: readonly string[],
  manner: Manner,
): Promise<ReadonlyMap<string, AnyActorRef>> {
  const wanted = new Set(sessionIds);
  const found = new Map<string, AnyActorRef>();
  const look = (actor: AnyActorRef): void => {
    if (wanted.delete(actor.sessionId)) found.set(actor.sessionId, actor);
  };
  for (const actor of serverActors(source)) look(actor);
  if (wanted.size === 0) return found;
  await walk(
    everyConnection(source),
    (connection) => {
      for (const { actor } of actorsOf(connection)) look(actor);
      return wanted.size === 0;
    },
    manner,
  );
  return found;
}

export async function findConnection(
  source: InspectorSource,
  id: string,
  manner: Manner,
): Promise<InspectedConnection | undefined> {
  let found: InspectedConnection | undefined;
  await walk(
    everyConnection(source),
    (connection) => {
      if (connection.id === id) found = connection;
      return found !== undefined;
    },
    manner,
  );
  return found;
}
