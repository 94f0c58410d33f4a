/**
 * The registry of named connections: the actor that knows which connection is
 * stored under which name, and the only place where that is known.
 *
 * A name belongs to one connection, a connection may hold several. Storing under
 * a name that is taken replaces: the earlier connection stays open and keeps its
 * other names and its groups; whoever asked learns whom it replaced and tells it.
 *
 * Which names a connection holds is kept with the connection, and changed here
 * only: a table of connections beside that of names would be as large, and what
 * is looked up in a large table is not in the processor's cache.
 *
 * Source: the seed, "Storing single connection".
 */
import type { Frame } from '../delivery/frame.ts';
import type { DeliveryStatus } from '../service/outcome.ts';
import { itemsOf, withItem, withoutItem } from './few.ts';
import { registryLogic, type RegistryRef, type Request } from './registry.ts';
import type { Member } from './member.ts';

/** A name and who holds it. */
export interface StoredName<M extends Member> {
  readonly name: string;
  readonly connection: M;
  readonly ordinal: number;
  /** Which claim of the name it is, where a backplane has the directory; 0 otherwise. */
  epoch: number;
}

export interface NamedConnectionsState<M extends Member> {
  readonly byName: Map<string, StoredName<M>>;
  /** The ordinal of the next stored name. */
  next: number;
}

export type NamedConnectionsEvent<M extends Member> =
  | (Request<{ replaced: M | undefined }> & { type: 'name.store'; name: string; connection: M; epoch?: number })
  | (Request<DeliveryStatus> & { type: 'name.push'; name: string; frame: Frame })
  | (Request<M | 'unknown'> & { type: 'name.remove'; name: string })
  | { type: 'connection.purge'; connection: M };

export type NamedConnectionsRef<M extends Member> = RegistryRef<NamedConnectionsState<M>, NamedConnectionsEvent<M>>;

export function createNamedConnectionsState<M extends Member>(): NamedConnectionsState<M> {
  return { byName: new Map(), next: 0 };
}

/** The logic of the named-connections actor. */
export function namedConnectionsLogic<M extends Member>() {
  return registryLogic<NamedConnectionsState<M>, NamedConnectionsEvent<M>>((state, event) => {
    switch (event.type) {
      case 'name.store':
        event.answer = { replaced: store(state, event.name, event.connection, event.epoch ?? 0) };
        break;
      case 'name.push':
        event.answer = state.byName.get(event.name)?.connection.deliver(event.frame) ?? 'unknown';
        break;
      case 'name.remove':
        event.answer = remove(state, event.name) ?? 'unknown';
        break;
      case 'connection.purge':
        for (const name of itemsOf(event.connection.heldNames)) state.byName.delete(name);
        event.connection.heldNames = undefined;
        break;
    }
  });
}

function store<M extends Member>(
  state: NamedConnectionsState<M>,
  name: string,
  connection: M,
  epoch: number,
): M | undefined {
  const stored = state.byName.get(name);
  const holder = stored?.connection;
  if (stored !== undefined && holder === connection) {
    stored.epoch = epoch;
    return undefined;
  }
  remove(state, name);
  state.byName.set(name, { name, connection, ordinal: state.next++, epoch });
  connection.heldNames = withItem(connection.heldNames, name);
  return holder;
}

function remove<M extends Member>(state: NamedConnectionsState<M>, name: string): M | undefined {
  const holder = state.byName.get(name)?.connection;
  if (holder === undefined) return undefined;
  state.byName.delete(name);
  holder.heldNames = withoutItem(holder.heldNames, name);
  return holder;
}
