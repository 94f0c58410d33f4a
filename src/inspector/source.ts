/**
 * What the inspector sees of the runtime.
 *
 * The runtime does not know the inspector, and the inspector knows no more of the runtime than this.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { TroupeEventName, TroupeEvents } from '../telemetry/events.ts';

/** A connection that has a socket still. */
export interface InspectedConnection {
  readonly id: string;
  /** Rises from each connection to the next. */
  readonly ordinal: number;
  readonly service: string;
  readonly path: string;
  readonly subprotocol: string;
  readonly remoteAddress: string;
  readonly isSecure: boolean;
  readonly openedAt: number;
  readonly state: 'open' | 'message' | 'closing' | 'closed';
  readonly outbound: 'flowing' | 'congested';
  readonly inbound: 'flowing' | 'held';
  readonly liveness: 'alive' | 'suspect';
  readonly authentication: 'authValid' | 'expiring' | 'expired';
  /** What its service's `authenticate` found out; undefined without one. */
  readonly auth: unknown;
  /** One object for all connections in the same states. */
  readonly configuration: object;
  readonly bytesReceived: number;
  readonly bufferedBytes: number;
  readonly waitingMessages: number;
  readonly ignoredMessages: number;
  readonly droppedPushes: number;
  readonly actor: { readonly sessionId: string };
  /** What performs its service, with the actor of the service's machine if there is one. */
  readonly performer: { readonly actor?: AnyActorRef } | undefined;
  /** With the parameters of its path as they were sent, whatever a schema has made of them. */
  info(): { readonly params: Readonly<Record<string, string>> };
  pushText(text: string): { readonly status: string };
  closeConnection(code?: number, reason?: string): { readonly status: string };
}

export interface InspectedService {
  readonly name: string;
  readonly route: { readonly path: string };
  readonly actor: { readonly sessionId: string; getSnapshot(): { readonly value: unknown } };
  readonly connectionCount: number;
  /** Those that are addressed, in the order of their ordinals. It may change while it is walked. */
  readonly members: Iterable<InspectedConnection>;
  /** Those that are closing, in any order. */
  readonly leaving: Iterable<InspectedConnection>;
  /** What its connections share, if there is something: the actor of its life, and beneath that the user's own. */
  readonly shared?:
    | { readonly actor: { readonly sessionId: string; getSnapshot(): unknown }; readonly latest: AnyActorRef }
    | undefined;
}

export interface InspectedName {
  readonly name: string;
  readonly ordinal: number;
  readonly connection: InspectedConnection;
}

export interface InspectedGroup {
  readonly name: string;
  readonly ordinal: number;
  readonly members: ReadonlyMap<InspectedConnection, number>;
}

/** What the inspector wants to be told of. */
export interface InspectedWatcher {
  wantsChildrenOf(parentId: string | undefined): boolean;
  next(event: InspectionEvent): void;
}

/** What the inspector holds while it is told of actors. */
export interface InspectorWatching {
  /** What this actor does is wanted from now on. */
  add(actor: AnyActorRef): void;
  remove(actor: AnyActorRef): void;
  end(): void;
}

/** The runtime, for whom looks at it. */
export interface InspectorSource {
  readonly supervisor: AnyActorRef;
  readonly server: AnyActorRef;
  readonly names: AnyActorRef;
  readonly groups: AnyActorRef;
  /** The link to other nodes; undefined: there is one node. */
  readonly backplane: AnyActorRef | undefined;
  /** All services that hold connections, those that drain included. */
  readonly services: readonly InspectedService[];
  readonly storedNames: ReadonlyMap<string, InspectedName>;
  readonly allGroups: ReadonlyMap<string, InspectedGroup>;
  namesOf(connection: InspectedConnection): Iterable<string>;
  groupsOf(connection: InspectedConnection): Iterable<string>;
  /** Whether an actor is one of the runtime, and runs no code of users. */
  isOwn(actor: AnyActorRef): boolean;
  /** Tells `watcher` of the actors that it wants from now on. */
  inspect(watcher: InspectedWatcher): InspectorWatching;
  /** Something of the inspector itself failed, which nothing should. */
  failed(error: unknown): void;
  /** Hears of an event, beside those who subscribe to it. Returns what ends that. */
  overhear<Name extends TroupeEventName>(name: Name, listener: (event: TroupeEvents[Name]) => void): () => void;
}
