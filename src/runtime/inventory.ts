/** What there is in a running Troupe, for those who look at it: actors, connections, names and groups as they are. */
import type { AnyActorRef } from 'xstate';
import type { Events } from '../telemetry/events.ts';
import type { LiveConnection } from './connection.ts';
import type { Group, GroupsRef } from './groups.ts';
import type { NamedConnectionsRef, StoredName } from './named-connections.ts';
import { itemsOf } from './few.ts';
import { watchActors, type ActorWatcher, type Watching } from './inspection.ts';
import { harmless } from './isolation.ts';
import { isOwnLogic } from './own-logic.ts';
import type { LiveService } from './service.ts';
import type { Supervisor } from './supervisor.ts';

export interface InventorySetting {
  readonly supervisor: Supervisor;
  readonly server: AnyActorRef;
  readonly names: NamedConnectionsRef<LiveConnection>;
  readonly groups: GroupsRef<LiveConnection>;
  readonly events: Events;
  /** The link to other nodes, if there are some. */
  readonly backplane: AnyActorRef | undefined;
}

export class Inventory {
  readonly supervisor: AnyActorRef;
  readonly server: AnyActorRef;
  readonly names: AnyActorRef;
  readonly groups: AnyActorRef;
  readonly backplane: AnyActorRef | undefined;
  readonly overhear: Events['overhear'];
  readonly #setting: InventorySetting;

  constructor(setting: InventorySetting) {
    this.#setting = setting;
    this.supervisor = setting.supervisor.actor;
    this.server = setting.server;
    this.names = setting.names;
    this.groups = setting.groups;
    this.backplane = setting.backplane;
    this.overhear = (name, listener) => setting.events.overhear(name, listener);
  }

  get services(): readonly LiveService[] {
    return this.#setting.supervisor.services;
  }

  get storedNames(): ReadonlyMap<string, StoredName<LiveConnection>> {
    return this.#setting.names.getSnapshot().context.byName;
  }

  get allGroups(): ReadonlyMap<string, Group<LiveConnection>> {
    return this.#setting.groups.getSnapshot().context.byName;
  }

  namesOf(connection: LiveConnection): Iterable<string> {
    return itemsOf(connection.heldNames);
  }

  groupsOf(connection: LiveConnection): Iterable<string> {
    return [...itemsOf(connection.joinedGroups)].map(({ name }) => name);
  }

  /** Whether an actor runs no code of users. */
  isOwn(actor: AnyActorRef): boolean {
    return isOwnLogic((actor as unknown as { readonly logic: unknown }).logic);
  }

  inspect(watcher: ActorWatcher): Watching {
    return watchActors(this.supervisor.system, {
      wantsChildrenOf: (parentId) => watcher.wantsChildrenOf(parentId),
      // It looks at what users made, in the middle of their actors' work: that it fails is not to be theirs.
      next: harmless(
        (event) => watcher.next(event),
        (error) => this.failed(error),
      ),
    });
  }

  failed(error: unknown): void {
    this.#setting.events.emit('callback.failed', { callback: 'the inspector', error });
  }
}
