/** Answers what viewers ask for in pages: services, connections, names, groups. */
import { cut } from './describe.ts';
import type { ConnectionItem, GroupItem, ListFrame, ListRequest, NameItem, ServiceItem } from './protocol.ts';
import { shownState } from './shown-state.ts';
import type {
  InspectedConnection,
  InspectedGroup,
  InspectedName,
  InspectedService,
  InspectorSource,
} from './source.ts';
import { pageOf, type Manner, type Paged } from './walk.ts';

export const MAX_LIST_ITEMS = 100;
/** Paths are of any length; names, which are asked for again, have at most 512 bytes. */
const MAX_PATH = 200;
/** A service that closes everything has many that leave; they are soon gone. */
const MAX_LEAVING = 1000;

/** A connection and where it stands in the order of all. */
interface Placed {
  readonly connection: InspectedConnection;
  readonly place: Place;
}

/** The number of its service's actor, whether it leaves, its own ordinal. */
type Place = readonly [service: number, leaving: number, ordinal: number];

/** One page; `undefined` when the service or group is unknown. */
export async function answerList(
  source: InspectorSource,
  request: ListRequest,
  manner: Manner,
): Promise<ListFrame | undefined> {
  const { request: number, limit = MAX_LIST_ITEMS, after } = request;
  const window = { limit, after };
  const head = { type: 'troupe.list', request: number } as const;
  switch (request.of) {
    case 'services':
      return { ...head, of: 'services', ...(await pageOf(services(source, request), window, manner)) };
    case 'names':
      return { ...head, of: 'names', ...(await pageOf(names(source, request), window, manner)) };
    case 'groups':
      return { ...head, of: 'groups', ...(await pageOf(groups(source, request), window, manner)) };
    case 'connections': {
      const paged = connections(source, request);
      return paged && { ...head, of: 'connections', ...(await pageOf(paged, window, manner)) };
    }
  }
}

export function itemOf(connection: InspectedConnection): ConnectionItem {
  const { id, actor, service, path, remoteAddress, openedAt } = connection;
  const { outbound, inbound, liveness, authentication } = connection;
  return {
    id,
    sessionId: actor.sessionId,
    service,
    path: cut(path, MAX_PATH),
    remoteAddress,
    openedAt,
    state: shownState(connection),
    outbound,
    inbound,
    liveness,
    authentication,
  };
}

/** All connections, in the order of their places. */
function* everyConnection(services: readonly InspectedService[]): Generator<Placed> {
  for (const { service, number } of inOrder(services)) {
    for (const connection of service.members) yield { connection, place: [number, 0, connection.ordinal] };
    const leaving: InspectedConnection[] = [];
    for (const connection of service.leaving) if (leaving.push(connection) === MAX_LEAVING) break;
    leaving.sort((one, other) => one.ordinal - other.ordinal);
    for (const connection of leaving) yield { connection, place: [number, 1, connection.ordinal] };
  }
}

function inOrder(
  services: readonly InspectedService[],
): readonly { readonly service: InspectedService; readonly number: number }[] {
  return services
    .map((service) => ({ service, number: numberOf(service) }))
    .toSorted((one, other) => one.number - other.number);
}

/** XState numbers the actors of a system in the order of their making. */
function numberOf({ actor }: InspectedService): number {
  return Number(actor.sessionId.replace(/\D/g, ''));
}

/** The order of places. */
function compare(one: readonly number[], other: readonly number[]): number {
  for (let index = 0; index < one.length; index++) {
    const difference = one[index]! - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function connections(source: InspectorSource, request: ListRequest): Paged<Placed, ConnectionItem> | undefined {
  const { service, group, state, search } = request;
  const services = source.services.filter(({ name }) => service === undefined || name === service);
  if (service !== undefined && services.length === 0) return undefined;
  const members = group === undefined ? undefined : source.allGroups.get(group)?.members;
  if (group !== undefined && members === undefined) return undefined;
  const looksLike = matcher(search);
  return {
    // Of a group only its members are gone through, in the order of their joining.
    entries: members === undefined ? everyConnection(services) : placedMembers(members),
    placeOf: ({ place }) => place.join('.'),
    isBehind: ({ place }, after) => compare(place, after.split('.').map(Number)) > 0,
    fits: ({ connection }) =>
      (state === undefined || shownState(connection) === state) &&
      (service === undefined || connection.service === service) &&
      looksLike(connection.id, connection.path, connection.remoteAddress, connection.service),
    itemOf: ({ connection }) => itemOf(connection),
  };
}

function* placedMembers(members: ReadonlyMap<InspectedConnection, number>): Generator<Placed> {
  for (const [connection, joined] of members) yield { connection, place: [0, 0, joined] };
}

function services(source: InspectorSource, { search }: ListRequest): Paged<InspectedService, ServiceItem> {
  const looksLike = matcher(search);
  return {
    entries: inOrder(source.services).map(({ service }) => service),
    placeOf: (service) => String(numberOf(service)),
    isBehind: (service, after) => numberOf(service) > Number(after),
    fits: ({ name, route }) => looksLike(name, route.path),
    itemOf: ({ name, route, actor, connectionCount }) => ({
      service: name,
      sessionId: actor.sessionId,
      route: route.path,
      state: stateOf(actor),
      connections: connectionCount,
    }),
  };
}

/** The state of a chart that has no nested ones. */
export function stateOf(actor: { getSnapshot(): unknown }): string {
  const { value } = actor.getSnapshot() as { readonly value?: unknown };
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function names(source: InspectorSource, { search }: ListRequest): Paged<InspectedName, NameItem> {
  const looksLike = matcher(search);
  return {
    entries: source.storedNames.values(),
    ...byOrdinal,
    fits: ({ name, connection }) => looksLike(name, connection.id),
    itemOf: ({ name, connection }) => ({
      name,
      connection: connection.id,
      sessionId: connection.actor.sessionId,
    }),
  };
}

function groups(source: InspectorSource, { search }: ListRequest): Paged<InspectedGroup, GroupItem> {
  const looksLike = matcher(search);
  return {
    entries: source.allGroups.values(),
    ...byOrdinal,
    fits: ({ name }) => looksLike(name),
    itemOf: ({ name, members }) => ({ group: name, count: members.size }),
  };
}

const byOrdinal = {
  placeOf: ({ ordinal }: { readonly ordinal: number }) => String(ordinal),
  isBehind: ({ ordinal }: { readonly ordinal: number }, after: string) => ordinal > Number(after),
};

/** Whether one of some texts holds `search`, whatever the case. */
function matcher(search = ''): (...texts: readonly string[]) => boolean {
  if (search === '') return () => true;
  const wanted = search.toLowerCase();
  return (...texts) => texts.some((text) => text.toLowerCase().includes(wanted));
}
