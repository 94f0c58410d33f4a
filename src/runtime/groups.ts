/**
 * The registry of groups: the actor that knows which connections are in which
 * group, and the only place where that is known.
 *
 * A group comes into being with its first member. When its last member leaves it
 * is *emptied*: a push to it reaches nobody but the group is known. Services that
 * make a group for each room or order would collect emptied groups without end,
 * so only the last {@link REMEMBERED_EMPTIED_GROUPS} are remembered. A removed group
 * is unknown at once; a retired name stays refused.
 *
 * Which groups a connection is in is kept with the connection, and changed here
 * only, as its names are.
 *
 * Source: the seed, "Grouping WebSocket Connections".
 */
import type { Frame } from '../delivery/frame.ts';
import { itemsOf, withItem, withoutItem, type Few } from './few.ts';
import { registryLogic, type RegistryRef, type Request } from './registry.ts';
import type { Member } from './member.ts';

/** How many emptied groups are remembered. */
export const REMEMBERED_EMPTIED_GROUPS = 10_000;

export interface Group<M extends Member> {
  readonly name: string;
  readonly ordinal: number;
  /** Each member with the ordinal of its joining. */
  readonly members: Map<M, number>;
}

export interface GroupsState<M extends Member> {
  readonly byName: Map<string, Group<M>>;
  /** Emptied groups, the one emptied first in front. */
  readonly emptied: Set<Group<M>>;
  readonly retired: Set<string>;
  /** The ordinal of the next group or membership. */
  next: number;
}

/** How a group push went: the members that it was handed to, waits for, and did not reach. */
export interface GroupPush {
  readonly known: boolean;
  readonly delivered: number;
  readonly accepted: number;
  readonly missed: number;
}

export type GroupsEvent<M extends Member> =
  | (Request<'ok' | 'retired'> & { type: 'group.add'; group: string; connection: M })
  | (Request<'ok' | 'unknown' | 'not-a-member'> & { type: 'group.leave'; group: string; connection: M })
  | (Request<GroupPush> & { type: 'group.push'; group: string; frame: Frame; except: ReadonlySet<string> | undefined })
  | (Request<readonly M[] | 'unknown'> & { type: 'group.remove'; group: string; retire: boolean })
  | { type: 'connection.purge'; connection: M }
  | { type: 'groups.release' };

export type GroupsRef<M extends Member> = RegistryRef<GroupsState<M>, GroupsEvent<M>>;

const UNKNOWN_GROUP: GroupPush = { known: false, delivered: 0, accepted: 0, missed: 0 };

export function createGroupsState<M extends Member>(): GroupsState<M> {
  return { byName: new Map(), emptied: new Set(), retired: new Set(), next: 0 };
}

/** The logic of the groups actor. */
export function groupsLogic<M extends Member>() {
  return registryLogic<GroupsState<M>, GroupsEvent<M>>((state, event) => {
    switch (event.type) {
      case 'group.add':
        event.answer = add(state, event.group, event.connection);
        break;
      case 'group.leave':
        event.answer = leave(state, event.group, event.connection);
        break;
      case 'group.push':
        event.answer = push(state.byName.get(event.group), event.frame, event.except);
        break;
      case 'group.remove':
        event.answer = remove(state, event.group, event.retire);
        break;
      case 'connection.purge':
        for (const group of itemsOf(groupsOf(event.connection))) drop(state, group, event.connection);
        event.connection.joinedGroups = undefined;
        break;
      // The server is closed: nobody is a member of anything any more.
      case 'groups.release':
        for (const known of [state.byName, state.emptied, state.retired]) known.clear();
        break;
    }
  });
}

function add<M extends Member>(state: GroupsState<M>, name: string, connection: M): 'ok' | 'retired' {
  if (state.retired.has(name)) return 'retired';
  let group = state.byName.get(name);
  if (group === undefined) {
    group = { name, ordinal: state.next++, members: new Map() };
    state.byName.set(name, group);
  }
  if (group.members.has(connection)) return 'ok';
  group.members.set(connection, state.next++);
  state.emptied.delete(group);
  connection.joinedGroups = withItem(groupsOf(connection), group);
  return 'ok';
}

/** The groups that `connection` is in: only this registry puts them there, so they are of this kind. */
function groupsOf<M extends Member>(connection: M): Few<Group<M>> {
  return connection.joinedGroups as Few<Group<M>>;
}

function leave<M extends Member>(
  state: GroupsState<M>,
  name: string,
  connection: M,
): 'ok' | 'unknown' | 'not-a-member' {
  const group = state.byName.get(name);
  if (group === undefined) return 'unknown';
  if (!group.members.has(connection)) return 'not-a-member';
  drop(state, group, connection);
  forgetMembership(group, connection);
  return 'ok';
}

function push<M extends Member>(
  group: Group<M> | undefined,
  frame: Frame,
  except: ReadonlySet<string> | undefined,
): GroupPush {
  if (group === undefined) return UNKNOWN_GROUP;
  let delivered = 0;
  let accepted = 0;
  let missed = 0;
  for (const member of group.members.keys()) {
    if (except?.has(member.id)) continue;
    const status = member.deliver(frame);
    if (status === 'delivered') delivered++;
    else if (status === 'accepted') accepted++;
    else if (status === 'congested') missed++;
  }
  return { known: true, delivered, accepted, missed };
}

function remove<M extends Member>(state: GroupsState<M>, name: string, retire: boolean): readonly M[] | 'unknown' {
  const group = state.byName.get(name);
  if (retire) state.retired.add(name);
  if (group === undefined) return 'unknown';
  state.byName.delete(name);
  state.emptied.delete(group);
  const members = [...group.members.keys()];
  for (const member of members) forgetMembership(group, member);
  return members;
}

/** Takes `connection` out of `group`, and remembers the group for a while when it was the last. */
function drop<M extends Member>(state: GroupsState<M>, group: Group<M>, connection: M): void {
  group.members.delete(connection);
  if (group.members.size > 0) return;
  state.emptied.add(group);
  if (state.emptied.size <= REMEMBERED_EMPTIED_GROUPS) return;
  const [oldest] = state.emptied;
  if (oldest === undefined) return;
  state.emptied.delete(oldest);
  state.byName.delete(oldest.name);
}

function forgetMembership<M extends Member>(group: Group<M>, connection: M): void {
  connection.joinedGroups = withoutItem(groupsOf(connection), group);
}
