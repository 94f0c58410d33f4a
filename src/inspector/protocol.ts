/**
 * What the inspector and its viewers say to each other: types, and nothing else.
 *
 * One JSON object per text frame, in both directions. There are two kinds of viewers:
 *
 * - One that offers no subprotocol gets the frames of `@statelyai/inspect` (0.7) for all actors, within bounds, and
 *   says nothing. Any receiver of that package can be it.
 * - One that offers {@link SUBPROTOCOL} gets a {@link HelloFrame}, the actors of the server itself (supervisor, server,
 *   registries, services), an {@link OverviewFrame} now and then, incidents as they happen, and the answers to what it
 *   asks. Frames about the doings of an actor come only for actors that it watches.
 *
 * Everything of users is untrusted text. `sessionId` names an actor for as long as the server lives, `connection` is
 * the id of a connection.
 */

import type { Described } from './protocol-values.ts';
import type { EndedFrame, MicrostepFrame, MissedFrame } from './protocol-doings.ts';
import type { Graph } from './protocol-graph.ts';
import type { StatelyFrame } from './protocol-stately.ts';

export type { Described, DescribedEvent, DescribedSnapshot } from './protocol-values.ts';
export type { EndedFrame, MicrostepFrame, MissedFrame, TakenEdge } from './protocol-doings.ts';
export type { Graph, GraphState, GraphTransition } from './protocol-graph.ts';
export type { ActorFrame, EventFrame, SnapshotFrame, StatelyEnvelope, StatelyFrame } from './protocol-stately.ts';

/** The subprotocol of viewers that understand all of this. */
export const SUBPROTOCOL = 'troupe.inspector.v1';

// The extension: what comes without being asked for.

/** The first frame. */
export interface HelloFrame {
  readonly type: 'troupe.hello';
  readonly at: number;
  /** Differs after a restart of the server: nothing that was known before holds any more. */
  readonly server: string;
  readonly allowActions: boolean;
  /** Whether payloads and context are redacted: `'all'`, by a function of the user's, or not. */
  readonly redact: 'all' | 'custom' | 'none';
  readonly limits: {
    readonly watchedActors: number;
    readonly listItems: number;
    readonly eventsPerSecond: number;
  };
  /** sessionIds of the actors that are always there. Their ActorFrames follow, then those of the services. */
  readonly actors: {
    readonly supervisor: string;
    readonly server: string;
    readonly names: string;
    readonly groups: string;
    /** Absent without a backplane. */
    readonly backplane?: string;
  };
}

/** How many connections of a service are in each state. */
export interface ConnectionCounts {
  readonly total: number;
  readonly state: {
    /** Without those that wait for their restart. */
    readonly open: number;
    /** The service has failed for them and has yet to begin anew. */
    readonly restarting: number;
    readonly message: number;
    readonly closing: number;
  };
  readonly outbound: { readonly flowing: number; readonly congested: number };
  readonly liveness: { readonly alive: number; readonly suspect: number };
}

export interface ServiceOverview {
  readonly sessionId: string;
  readonly service: string;
  /** Its route, `/chat/{room}` for example. */
  readonly route: string;
  /** The state of its own chart. */
  readonly state: string;
  readonly connections: ConnectionCounts;
  /** What its connections share: the actor of that, another one after each restart, and the state of its life. */
  readonly shared?: { readonly sessionId: string; readonly state: string };
}

/** At most four a second, and only when something differs from the one before. The first comes at once. */
export interface OverviewFrame {
  readonly type: 'troupe.overview';
  readonly at: number;
  /** The state of the server's chart. */
  readonly server: string;
  /** The state of the link to the backplane; absent without one. */
  readonly backplane?: string;
  /** At most 100 of them; `serviceCount` says how many there are. */
  readonly services: readonly ServiceOverview[];
  readonly serviceCount: number;
  readonly names: number;
  readonly groups: number;
  /** How many viewers watch, this one included. */
  readonly viewers: number;
}

/** A handler, guard or action failed; its connection ends with 1011. */
export interface CrashFrame {
  readonly type: 'troupe.crash';
  readonly at: number;
  readonly connection: string;
  readonly service: string;
  /** The sessionId of the connection's actor, if it is watched; `connection` is what to ask with. */
  readonly sessionId: string | undefined;
  /** The state values at that moment: of the connection's chart, and of the service's machine when it has one. */
  readonly state: { readonly connection: Described; readonly machine?: Described };
  /** The event that was being handled. */
  readonly during: string;
  readonly error: DescribedError;
}

/** An error as text; `stack` is absent for what is no Error, and unless its message is shown. */
export interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** A push that reached nobody, or not all of a group. */
export interface DeadLetterFrame {
  readonly type: 'troupe.dead-letter';
  readonly at: number;
  readonly function: string;
  readonly target: string;
  readonly status: string;
  readonly bytes: number;
  /** How many connections it did not reach; 0 when there was no target at all. */
  readonly missed: number;
}

/** A callback of the embedding program threw. */
export interface FailureFrame {
  readonly type: 'troupe.failure';
  readonly at: number;
  readonly callback: string;
  readonly error: DescribedError;
}

/** The remote side of a connection broke the protocol. */
export interface ViolationFrame {
  readonly type: 'troupe.violation';
  readonly at: number;
  readonly connection: string;
  readonly service: string;
  readonly code: number;
  readonly error: DescribedError;
}

/** That many frames were left out since the last frame of this kind. */
export interface DroppedFrame {
  readonly type: 'troupe.dropped';
  readonly at: number;
  readonly count: number;
  /** How many of them because describing had taken its share of the time; the others were too many in a second. */
  readonly busy: number;
}

// What an extended viewer may ask. `request` is its own number for it, which comes back with the answer.

/**
 * Asks for a page of a list. `search` finds in ids, paths, addresses and services of connections, in the stored names
 * and their connections' ids, or in the names of groups, whatever the case. `after` is the `next` of the page before.
 */
export interface ListRequest {
  readonly type: 'list';
  readonly request: number;
  readonly of: 'services' | 'connections' | 'names' | 'groups';
  /** Only connections of that service. */
  readonly service?: string;
  /** Only connections in that group. */
  readonly group?: string;
  /** Only connections in that state. */
  readonly state?: 'open' | 'restarting' | 'message' | 'closing';
  readonly search?: string;
  readonly after?: string;
  /** 1 to 100. @defaultValue 100 */
  readonly limit?: number;
}

/** Asks for all that is known of one connection. */
export interface ConnectionRequest {
  readonly type: 'connection';
  readonly request: number;
  /** The connection's id. */
  readonly of: string;
}

/** Asks for the chart of an actor. */
export interface GraphRequest {
  readonly type: 'graph';
  readonly request: number;
  /** The sessionId of the actor. */
  readonly of: string;
}

/** Watches actors: an ActorFrame for each comes before the answer, then what they do. Children are not included. */
export interface WatchRequest {
  readonly type: 'watch';
  readonly request: number;
  /** sessionIds. */
  readonly actors: readonly string[];
}

export interface UnwatchRequest {
  readonly type: 'unwatch';
  readonly request: number;
  /** sessionIds; absent: all. */
  readonly actors?: readonly string[];
}

/** Closes a connection. Only with `allowActions`. @defaultValue code 1000, reason '' */
export interface CloseRequest {
  readonly type: 'close';
  readonly request: number;
  readonly connection: string;
  readonly code?: number;
  readonly reason?: string;
}

/** Pushes text to a connection's remote side. Only with `allowActions`. */
export interface SendRequest {
  readonly type: 'send';
  readonly request: number;
  readonly connection: string;
  readonly text: string;
}

export type ViewerRequest =
  | ListRequest
  | ConnectionRequest
  | GraphRequest
  | WatchRequest
  | UnwatchRequest
  | CloseRequest
  | SendRequest;

// The answers.

export interface ConnectionItem {
  readonly id: string;
  readonly sessionId: string;
  readonly service: string;
  readonly path: string;
  readonly remoteAddress: string;
  /** In ms since 1970. */
  readonly openedAt: number;
  /** `open`, `restarting`, `message`, `closing` or `closed`. */
  readonly state: string;
  readonly outbound: string;
  readonly inbound: string;
  readonly liveness: string;
  readonly authentication: string;
}

export interface NameItem {
  readonly name: string;
  /** The connection's id. */
  readonly connection: string;
  /** Of the connection's actor. */
  readonly sessionId: string;
}

export interface GroupItem {
  readonly group: string;
  readonly count: number;
}

export interface ServiceItem {
  readonly service: string;
  readonly sessionId: string;
  readonly route: string;
  readonly state: string;
  readonly connections: number;
}

interface ListAnswer<Of extends ListRequest['of'], Item> {
  readonly type: 'troupe.list';
  readonly request: number;
  readonly of: Of;
  readonly items: readonly Item[];
  /** Pass it as `after` for what follows. A search looks at so many entries a page, which may thus even be empty. */
  readonly next?: string;
}

export type ListFrame =
  | ListAnswer<'services', ServiceItem>
  | ListAnswer<'connections', ConnectionItem>
  | ListAnswer<'names', NameItem>
  | ListAnswer<'groups', GroupItem>;

/** An actor that belongs to a connection. */
export interface ActorItem {
  readonly sessionId: string;
  readonly name: string;
  readonly parentId: string | undefined;
  /** `lifecycle` is the connection's own chart, `service` the machine of its service; `child` what that has started. */
  readonly role: 'lifecycle' | 'service' | 'child';
  /** Whether a `graph` request for it is answered with a chart. */
  readonly hasGraph: boolean;
}

export interface ConnectionFrame {
  readonly type: 'troupe.connection';
  readonly request: number;
  readonly connection: ConnectionItem & {
    readonly params: Readonly<Record<string, string>>;
    readonly subprotocol: string;
    readonly isSecure: boolean;
    /** What its service has found out about it, redacted as all data is; absent if it asks for nothing. */
    readonly auth?: Described;
    /** At most 100 names and groups each. */
    readonly names: readonly string[];
    readonly groups: readonly string[];
    readonly bytesReceived: number;
    /** Bytes written that the operating system has not taken yet. */
    readonly bufferedBytes: number;
    /** Messages that wait to be handled. */
    readonly waitingMessages: number;
    /** Messages of a kind that the service does not handle. */
    readonly ignoredMessages: number;
    /** Pushes to it that were refused or dropped because it reads too slowly. */
    readonly droppedPushes: number;
    /** Its actor, its service's machine, and what that has started: at most 20. */
    readonly actors: readonly ActorItem[];
  };
}

export interface GraphFrame {
  readonly type: 'troupe.graph';
  readonly request: number;
  /** The sessionId that was asked for. */
  readonly of: string;
  readonly graph: Graph;
  /** The ids of the states that are active now. */
  readonly active: readonly string[];
}

/** Answers `watch` and `unwatch`. */
export interface WatchingFrame {
  readonly type: 'troupe.watching';
  readonly request: number;
  /** All actors that this viewer watches now. */
  readonly actors: readonly string[];
  /** Those asked for that do not exist, or not any more. */
  readonly unknown: readonly string[];
}

/** Answers `close` and `send`. */
export interface DoneFrame {
  readonly type: 'troupe.done';
  readonly request: number;
  /** As of the function that was called: `ok`, `delivered`, `closed`, `congested` and so on. */
  readonly status: string;
}

/** A request that could not be answered. */
export interface ErrorFrame {
  readonly type: 'troupe.error';
  /** Absent when the frame was no request at all. */
  readonly request?: number;
  /**
   * - `malformed`: no request of this protocol
   * - `unknown`: there is no such connection, actor, service or group, or the actor has no chart
   * - `limit`: more than is allowed, of watched actors for example
   * - `forbidden`: needs `allowActions`
   * - `busy`: too many requests wait for their answers
   */
  readonly code: 'malformed' | 'unknown' | 'limit' | 'forbidden' | 'busy';
  readonly message: string;
}

/** What comes without being asked for. */
export type UnaskedFrame =
  | HelloFrame
  | OverviewFrame
  | MicrostepFrame
  | MissedFrame
  | EndedFrame
  | CrashFrame
  | DeadLetterFrame
  | FailureFrame
  | ViolationFrame
  | DroppedFrame;

/** What answers a request. */
export type AnswerFrame = ListFrame | ConnectionFrame | GraphFrame | WatchingFrame | DoneFrame | ErrorFrame;

/** Whatever the server may send. */
export type ServerFrame = StatelyFrame | UnaskedFrame | AnswerFrame;
