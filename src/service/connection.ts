/** What a service and the embedding program see of a connection. */
import type { AuthLifetime } from './auth.ts';
import type { Answer, Delivery, Outcome } from './outcome.ts';

/** A moment of a connection, as plain data. */
export interface ConnectionInfo {
  readonly id: string;
  /** The name of its service. */
  readonly service: string;
  /** The path it was opened with, without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly subprotocol: string;
  readonly remoteAddress: string;
  readonly isSecure: boolean;
  /** When it was opened, in ms since 1970. */
  readonly openedAt: number;
  readonly state: ConnectionState;
  readonly outbound: OutboundState;
  readonly inbound: InboundState;
  readonly liveness: LivenessState;
  readonly authentication: AuthenticationState;
  /** Bytes that were pushed and that the operating system has not taken yet. */
  readonly bufferedBytes: number;
  /** Pushes to it that were refused or dropped because it reads too slowly. */
  readonly droppedPushes: number;
}

/** What the service is doing for the connection: see `machines/connection.ts`. */
export type ConnectionState = 'open' | 'message' | 'closing' | 'closed';
/** Whether the remote side reads as fast as it is written to. */
export type OutboundState = 'flowing' | 'congested';
/** Whether the remote side sends no faster than the `messageRate` of the service. */
export type InboundState = 'flowing' | 'held';
/** Whether anything was heard from the remote side lately. */
export type LivenessState = 'alive' | 'suspect';
/** Whether `auth` holds; without a time at which it expires it always does. */
export type AuthenticationState = 'authValid' | 'expiring' | 'expired';

/** What a push may say about itself. */
export interface PushOptions {
  /**
   * What the message is about, 1 to 512 UTF-8 bytes: under the policy `latest` it drops the one with the same key that
   * still waits for a congested connection. Other policies take no notice of it.
   */
  readonly key?: string;
}

/** What a broadcast or a push to a group may say. */
export interface Except extends PushOptions {
  /** Connections to leave out. */
  readonly except?: readonly (Pick<ConnectionInfo, 'id'> | string)[];
}

/**
 * The functions that work from anywhere: a handler, an action of a machine, an
 * HTTP route or a job.
 *
 * None throws for a target that is absent or slow, and none makes an unhandled
 * rejection: the answer says what happened. Wrong types are programming errors
 * and throw `TroupeTypeError` at the call; close codes and reasons that no close
 * frame can hold throw `TroupeRangeError`. Names are visible to all services and
 * have 1 to 512 UTF-8 bytes.
 *
 * Pushes from one sender to one target arrive in the order in which they were
 * made, whatever mixture of functions was used. Nothing is said about the order
 * of pushes from several senders.
 */
export interface GlobalFunctions {
  /** Pushes text to the connection that is stored under `name`. Unknown name: `unknown`. Source: the seed. */
  pushTextToConnection(name: string, text: string, options?: PushOptions): Answer<Delivery>;
  /** Pushes bytes to the connection that is stored under `name`; they are copied. Unknown name: `unknown`. */
  pushBinaryToConnection(name: string, data: Uint8Array, options?: PushOptions): Answer<Delivery>;
  /** Unmaps `name`; the connection stays open, with its groups. Unknown name: `unknown`. Source: the seed. */
  removeStoredConnection(name: string): Answer<Outcome>;
  /**
   * Closes the connection that is stored under `name` and takes it out of everything.
   * Does not wait for the close handshake. Unknown name: `unknown`. @defaultValue code 1000, reason ''
   */
  closeStoredConnection(name: string, code?: number, reason?: string): Answer<Outcome>;
  /**
   * Pushes text to each member of `group`, sender included if it is one; who pushes need not be a member.
   * Never existed or removed: `unknown`. Emptied: `delivered` with count 0. Source: the seed.
   */
  pushTextToGroup(group: string, text: string, options?: Except): Delivery;
  /** The same as `pushTextToGroup` for bytes; they are copied. */
  pushBinaryToGroup(group: string, data: Uint8Array, options?: Except): Delivery;
  /**
   * Removes `group`; its members stay connected and keep their other groups. A later add under that name starts a new,
   * empty group, unless `retire` is set: then the name answers `retired` from then on. Unknown group: `unknown`.
   * Source: the seed, whose words "it cannot be used again" `retire` takes literally.
   */
  removeConnectionGroup(group: string, options?: { readonly retire?: boolean }): Answer<Outcome>;
  /** Closes every member of `group` and removes it. Unknown group: `unknown`. @defaultValue code 1000, reason '' */
  closeConnectionGroup(group: string, code?: number, reason?: string): Answer<Outcome>;
}

/**
 * One WebSocket connection, as its service sees it.
 *
 * It may be kept and used after the handler has returned; once it is closing,
 * its own functions answer `closed`. A function that takes the connections of
 * any service, whatever their schemas make of path and query, asks for a
 * `Connection<unknown, unknown, unknown>`.
 *
 * @example
 * ```ts
 * import { defineService } from 'troupe';
 *
 * export const echo = defineService({
 *   basePath: '/echo',
 *   webSocketUpgradePath: '/{language}',
 *   onTextMessage(connection, text) {
 *     connection.pushText(`${connection.params.language}: ${text}`);
 *   },
 * });
 * ```
 */
export interface Connection<
  Params = Readonly<Record<string, string>>,
  Auth = unknown,
  Query = URLSearchParams,
  Shared = unknown,
> extends GlobalFunctions {
  /** Unique on all nodes; never chosen by the remote side. */
  readonly id: string;
  /** The name of its service. */
  readonly service: string;
  /** The `{parameters}` of the path, percent-decoded: untrusted text, unless the service has a schema `params`. */
  readonly params: Params;
  /** The path and query it was opened with, as received. Untrusted text. */
  readonly url: string;
  /** The query: untrusted text, unless the service has a schema `query`. */
  readonly query: Query;
  /** What `authenticate` of the service found out, or what was put in its place; undefined without one. */
  readonly auth: Auth;
  /** The negotiated subprotocol; '' when there is none. */
  readonly subprotocol: string;
  /** The address of the other end of the TCP connection; behind a proxy of `trustProxy`, of the client. '' for none. */
  readonly remoteAddress: string;
  /** Whether the TCP connection is encrypted up to this process. */
  readonly isSecure: boolean;
  /** Neither closing nor closed. */
  readonly isOpen: boolean;
  readonly state: ConnectionState;
  readonly outbound: OutboundState;
  readonly inbound: InboundState;
  readonly liveness: LivenessState;
  readonly authentication: AuthenticationState;
  /** What the service wants to remember of this connection. */
  readonly attributes: Map<string, unknown>;
  /** The shared state of its service, see {@link Shared}; undefined without one. */
  readonly shared: Shared;
  /** This moment as plain data. */
  info(): ConnectionInfo;

  /**
   * Pushes text to this connection. After its close: `closed`. To a congested one, as its `outboundPolicy` says:
   * refused (`congested`), or waiting (`accepted`). Source: the seed.
   */
  pushText(text: string, options?: PushOptions): Delivery;
  /** Pushes bytes to this connection; they are copied. */
  pushBinary(data: Uint8Array, options?: PushOptions): Delivery;
  /** Pushes text to every open connection of this service, this one included. Source: the seed. */
  broadcastText(text: string, options?: Except): Delivery;
  /** The same as `broadcastText` for bytes; they are copied. */
  broadcastBinary(data: Uint8Array, options?: Except): Delivery;
  /**
   * Stores this connection under `name`. A connection that held the name stays open, keeps its groups and other
   * names, and is told (`onReplaced`). A connection may hold several names. Source: the seed.
   */
  storeConnection(name: string): Answer<Outcome>;
  /** Adds this connection to `group`, which is made on demand. Adding twice counts once. Source: the seed. */
  addConnectionToGroup(group: string): Answer<Outcome>;
  /** Takes this connection out of `group` only. Unknown group: `unknown`; not in it: `not-a-member`. Source: the seed. */
  removeConnectionFromGroup(group: string): Answer<Outcome>;
  /** Whether this connection is in `group`. */
  isMember(group: string): boolean;
  /**
   * Begins the closing handshake and takes this connection out of everything. Messages that wait to be handled are
   * dropped. Closing already: `closed`. @defaultValue code 1000, reason ''
   */
  closeConnection(code?: number, reason?: string): Outcome;
  /**
   * Puts `auth` in the place of the one that there is, for as long as `expiresAt` says, without an end if it is left
   * out. Names and groups stay; whether it is still the same person is for the caller to see. Closing or expired:
   * `closed`. One that has expired already ends the connection like any other that does.
   * @throws {TroupeError} `TROUPE_AUTH_NOT_DECLARED` when the service has no `authenticate`
   * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` for an `expiresAt` that is no time
   */
  refreshAuth(auth: Auth, lifetime?: AuthLifetime): Outcome;
}
