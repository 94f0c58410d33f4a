/** Starts the two registries of a system: of names, and of groups. */
import { createActor, type AnyActorRef } from 'xstate';
import type { LiveConnection } from './connection.ts';
import { createGroupsState, groupsLogic, type GroupsRef } from './groups.ts';
import { createNamedConnectionsState, namedConnectionsLogic, type NamedConnectionsRef } from './named-connections.ts';

export interface Registries {
  readonly names: NamedConnectionsRef<LiveConnection>;
  readonly groups: GroupsRef<LiveConnection>;
}

export function startRegistries(parent: AnyActorRef): Registries {
  const names = createActor(namedConnectionsLogic<LiveConnection>(), {
    parent,
    id: 'named-connections',
    src: 'named-connections',
    input: createNamedConnectionsState<LiveConnection>(),
  });
  const groups = createActor(groupsLogic<LiveConnection>(), {
    parent,
    id: 'groups',
    src: 'groups',
    input: createGroupsState<LiveConnection>(),
  });
  return { names: names.start(), groups: groups.start() };
}
