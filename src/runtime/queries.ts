/** Questions to the registries: bounded, paged, answered from what this node knows. */
import { checkName } from '../arguments.ts';
import type { ConnectionInfo } from '../service/connection.ts';
import type { Page, PageRequest } from '../service/outcome.ts';
import type { GroupInfo, StoredNameInfo } from '../service/queries.ts';
import type { LiveConnection } from './connection.ts';
import type { GroupsRef } from './groups.ts';
import type { NamedConnectionsRef } from './named-connections.ts';
import { pageOf } from './page.ts';

export class Queries {
  readonly #names: NamedConnectionsRef<LiveConnection>;
  readonly #groups: GroupsRef<LiveConnection>;

  constructor(names: NamedConnectionsRef<LiveConnection>, groups: GroupsRef<LiveConnection>) {
    this.#names = names;
    this.#groups = groups;
  }

  groups(page?: PageRequest): Page<GroupInfo> {
    return pageOf(
      this.#groups.getSnapshot().context.byName.values(),
      ({ ordinal }) => ordinal,
      ({ name, members }) => ({ group: name, count: members.size }),
      page,
    );
  }

  members(group: string, page?: PageRequest): Page<ConnectionInfo> {
    checkName('group', group);
    const members = this.#groups.getSnapshot().context.byName.get(group)?.members ?? new Map<LiveConnection, number>();
    return pageOf(
      members,
      ([, ordinal]) => ordinal,
      ([member]) => member.info(),
      page,
    );
  }

  isMember(group: string, connectionId: string): boolean {
    checkName('group', group);
    const members = this.#groups.getSnapshot().context.byName.get(group)?.members.keys() ?? [];
    for (const member of members) if (member.id === connectionId) return true;
    return false;
  }

  storedNames(page?: PageRequest): Page<StoredNameInfo> {
    return pageOf(
      this.#names.getSnapshot().context.byName.values(),
      ({ ordinal }) => ordinal,
      ({ name, connection }) => ({ name, connection: connection.id }),
      page,
    );
  }
}
