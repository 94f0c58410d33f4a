/** All that the page knows. It is only ever replaced, by `reduce.ts`. */
import type {
  ConnectionFrame,
  GraphFrame,
  HelloFrame,
  OverviewFrame,
  ServerFrame,
  ViewerRequest,
} from '../../protocol.ts';
import type { Incident } from './incidents.ts';
import type { Link } from './link.ts';
import type { Pages, Sight } from './pages.ts';
import { emptyRing, type Ring } from './ring.ts';
import type { Route } from './route.ts';
import type { Watched } from './watched.ts';

export type ConnectionFacts = ConnectionFrame['connection'];

/** What was asked about one thing. */
export interface Asked {
  readonly request: number | undefined;
  readonly at: number;
  /** Why there is no answer, in the server's words. */
  readonly problem: string | undefined;
  /** The server was too busy: when it may be asked again. */
  readonly againAt?: number | undefined;
}

/** How long a server is left alone that was too busy to answer. */
export const busyMs = 2_000;

/** The connection, or the actor, that is being looked at. */
export interface Focus {
  readonly facts: ConnectionFacts | undefined;
  /** The last question for the facts. */
  readonly asked: Asked | undefined;
  /** The address names an actor of a server that is no more: the sessionId means nothing here, or another actor. */
  readonly isOfBefore: boolean;
  /** The actors that are to be watched; those of the connection, or the one actor. */
  readonly actors: readonly string[];
  /** The last `watch`, and the actors that it was about. */
  readonly watching: (Asked & { readonly actors: readonly string[] }) | undefined;
  /** The actors that were asked to be watched and not refused. */
  readonly watchedActors: readonly string[];
  readonly watched: ReadonlyMap<string, Watched>;
  readonly graphs: ReadonlyMap<string, GraphFrame>;
  readonly graphsAsked: ReadonlyMap<string, Asked>;
  /** The latest moment that was told of, as the server numbers them. */
  readonly latest: number;
  /** The moment in the past that is shown; undefined: now. */
  readonly moment: number | undefined;
  /** The log shows nothing that began later. */
  readonly pausedAt: number | undefined;
}

export interface State {
  readonly now: number;
  readonly link: Link;
  readonly route: Route;
  readonly hello: HelloFrame | undefined;
  /** Whether `hello` came over the link that is open now. */
  readonly isGreeted: boolean;
  readonly overview: OverviewFrame | undefined;
  readonly list: Pages | undefined;
  readonly sight: Sight;
  readonly focus: Focus | undefined;
  readonly incidents: Ring<Incident>;
  /** Incidents that were there when they were looked at last. */
  readonly incidentsSeen: number;
  /** How many frames the server has left out, as it said. */
  readonly dropped: Dropped;
  /** What happened with the last action (closing, sending). */
  readonly outcome: { readonly request: number; readonly text: string | undefined } | undefined;
  /** Something that is worth being said once, also by a screen reader. */
  readonly notice: string;
  /** Counts frames. */
  readonly sequence: number;
}

export interface Dropped {
  readonly count: number;
  /** How many of them because the server had no more time for it. */
  readonly busy: number;
}

export type Action =
  | { readonly type: 'link.connecting' }
  | { readonly type: 'link.opened' }
  | { readonly type: 'link.probed'; readonly status: number | undefined }
  | { readonly type: 'link.lost'; readonly at: number; readonly random: number }
  | { readonly type: 'frame'; readonly frame: ServerFrame; readonly size: number; readonly at: number }
  | { readonly type: 'asked'; readonly request: ViewerRequest; readonly at: number }
  | { readonly type: 'route.changed'; readonly route: Route }
  | { readonly type: 'list.scrolled'; readonly sight: Sight }
  | { readonly type: 'list.wentOn' }
  | { readonly type: 'moment.chosen'; readonly moment: number | undefined }
  | { readonly type: 'log.paused' }
  | { readonly type: 'log.resumed' }
  | { readonly type: 'ticked'; readonly at: number };

export const noFocus: Focus = {
  facts: undefined,
  asked: undefined,
  isOfBefore: false,
  actors: [],
  watching: undefined,
  watchedActors: [],
  watched: new Map(),
  graphs: new Map(),
  graphsAsked: new Map(),
  latest: 0,
  moment: undefined,
  pausedAt: undefined,
};

export function initialState(route: Route, now: number): State {
  return {
    now,
    link: { phase: 'connecting', attempt: 0 },
    route,
    hello: undefined,
    isGreeted: false,
    overview: undefined,
    list: undefined,
    sight: { first: 0, last: 0 },
    focus: undefined,
    incidents: emptyRing(),
    incidentsSeen: 0,
    dropped: { count: 0, busy: 0 },
    outcome: undefined,
    notice: '',
    sequence: 0,
  };
}

/** Whether there is a server to be asked, and it is known which one. */
export function isLinked({ link, isGreeted }: State): boolean {
  return link.phase === 'open' && isGreeted;
}

/** How an actor is called, if that is known here. */
export function nameOfActor({ hello, overview, focus }: State, sessionId: string): string | undefined {
  // A connection's actor is called by the connection's id, which says nothing to people.
  const isConnection = focus?.facts?.actors.some(
    (actor) => actor.role === 'lifecycle' && actor.sessionId === sessionId,
  );
  if (isConnection === true) return 'connection';
  const watched = focus?.watched.get(sessionId);
  if (watched !== undefined) return watched.name;
  const service = overview?.services.find((service) => service.sessionId === sessionId);
  if (service !== undefined) return service.service;
  return hello && Object.entries(hello.actors).find(([, id]) => id === sessionId)?.[0];
}
