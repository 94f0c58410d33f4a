/** Where in the page one is. It stands behind the `#` of the address, so that Back, reload and bookmarks work. */
import type { ListRequest } from '../../protocol.ts';

export type ListKind = ListRequest['of'];

/** What a list is narrowed to. */
export interface ListQuery {
  readonly of: ListKind;
  readonly service?: string;
  readonly group?: string;
  readonly state?: NonNullable<ListRequest['state']>;
  readonly search?: string;
}

export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'list'; readonly query: ListQuery }
  | { readonly view: 'connection'; readonly connection: string }
  /** `server` tells which life of the server knows the actor by that sessionId; see `life.ts`. */
  | { readonly view: 'actor'; readonly sessionId: string; readonly server: string | undefined }
  | { readonly view: 'incidents' };

const states = ['open', 'restarting', 'message', 'closing'] as const;
const lists: readonly ListKind[] = ['services', 'connections', 'names', 'groups'];

/** What is no address of this page leads to the overview. */
export function routeOf(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [view = '', ...rest] = path.split('/');
  const name = decoded(rest.join('/'));
  if (view === 'incidents') return { view };
  if (view === 'connection' && name !== '') return { view, connection: name };
  if (view === 'actor' && name !== '')
    return { view, sessionId: name, server: new URLSearchParams(search).get('server') || undefined };
  const of = lists.find((list) => list === view);
  return of === undefined ? { view: 'overview' } : { view: 'list', query: queryOf(of, new URLSearchParams(search)) };
}

function queryOf(of: ListKind, parameters: URLSearchParams): ListQuery {
  const text = (name: string): string | undefined => parameters.get(name) || undefined;
  const [service, group, search] = [text('service'), text('group'), text('search')];
  const state = states.find((state) => state === parameters.get('state'));
  const isConnections = of === 'connections';
  return {
    of,
    ...(isConnections && service !== undefined ? { service } : {}),
    ...(isConnections && group !== undefined ? { group } : {}),
    ...(isConnections && state !== undefined ? { state } : {}),
    ...(search === undefined ? {} : { search }),
  };
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case 'overview':
      return '#/';
    case 'incidents':
      return '#/incidents';
    case 'connection':
      return `#/connection/${encodeURIComponent(route.connection)}`;
    case 'actor':
      return `#/actor/${encodeURIComponent(route.sessionId)}${queryFor(route.server === undefined ? {} : { server: route.server })}`;
    case 'list': {
      const { of, ...narrowed } = route.query;
      return `#/${of}${queryFor(narrowed)}`;
    }
  }
}

function queryFor(parameters: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(parameters).toString();
  return text === '' ? '' : `?${text}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
