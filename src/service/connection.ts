/** What a service and the embedding program see of a connection. */
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
  readonly liveness: LivenessState;
}

/** What the service is doing for the connection: see `machines/connection.ts`. */
export type ConnectionState = 'open' | 'message' | 'closing' | 'closed';
/** Whether the remote side reads as fast as it is written to. */
export type OutboundState = 'flowing' | 'congested';
/** Whether anything was heard from the remote side lately. */
export type LivenessState = 'alive' | 'suspect';

/** Connections to leave out of a broadcast or a group push. */
export interface Except {
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
  pushTextToConnection(name: string, text: string): Answer<Delivery>;
  /** Pushes bytes to the connection that is stored under `name`; they are copied. Unknown name: `unknown`. */
  pushBinaryToConnection(name: string, data: Uint8Array): Answer<Delivery>;
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
 * its own functions answer `closed`.
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
  Params extends Readonly<Record<string, string>> = Readonly<Record<string, string>>,
> extends GlobalFunctions {
  /** Unique on all nodes; never chosen by the remote side. */
  readonly id: string;
  /** The name of its service. */
  readonly service: string;
  /** The `{parameters}` of the path, percent-decoded. Untrusted text. */
  readonly params: Params;
  /** The path and query it was opened with, as received. Untrusted text. */
  readonly url: string;
  /** The query. Untrusted text. */
  readonly query: URLSearchParams;
  /** The negotiated subprotocol; '' when there is none. */
  readonly subprotocol: string;
  /** The address of the other end of the TCP connection; behind a proxy that is the proxy. */
  readonly remoteAddress: string;
  /** Whether the TCP connection is encrypted up to this process. */
  readonly isSecure: boolean;
  /** Neither closing nor closed. */
  readonly isOpen: boolean;
  readonly state: ConnectionState;
  readonly outbound: OutboundState;
  readonly liveness: LivenessState;
  /** What the service wants to remember of this connection. */
  readonly attributes: Map<string, unknown>;
  /** This moment as plain data. */
  info(): ConnectionInfo;

  /** Pushes text to this connection. After its close: `closed`. Source: the seed. */
  pushText(text: string): Delivery;
  /** Pushes bytes to this connection; they are copied. */
  pushBinary(data: Uint8Array): Delivery;
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
}
