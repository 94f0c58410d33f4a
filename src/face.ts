/** What `createTroupe` returns: the face of a running Troupe. */
import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { AnyActorLogic } from 'xstate';
import type { Address, ListenOptions } from './http/listen.ts';
import type { InspectorAddress } from './inspector-root.ts';
import type { Inspector, ServiceSource } from './options.ts';
import type { DrainOptions } from './runtime/drain.ts';
import type { GroupInfo, StoredNameInfo } from './service/queries.ts';
import type { ConnectionInfo, Except, GlobalFunctions } from './service/connection.ts';
import type { Cluster } from './service/cluster.ts';
import type { Health } from './service/health.ts';
import type { Shared } from './service/shared.ts';
import type { Delivery, Page, PageRequest } from './service/outcome.ts';
import type { Recording } from './service/recorder.ts';
import type { TroupeEventListener, TroupeEventName } from './telemetry/events.ts';

export interface CloseOptions {
  readonly drain?: DrainOptions;
  /** Closes connections with 1012 (service restart) instead of 1001 (going away). @defaultValue false */
  readonly restarting?: boolean;
}

/**
 * Services on one node: what `createTroupe` returns.
 *
 * Functions for a connection's own use are on {@link Connection}; these work
 * from an HTTP route, a job or anything else of the embedding program.
 */
export interface Troupe extends GlobalFunctions {
  /**
   * Listens on a port of its own, HTTP and WebSocket together. At most once.
   * @throws {TroupeError} `TROUPE_ADDRESS_IN_USE`, `TROUPE_LISTEN_FAILED`, `TROUPE_ALREADY_LISTENING`
   */
  listen(options?: ListenOptions): Promise<Address>;
  /**
   * Serves WebSocket on an application's server: Express, Fastify, Hono, Nest, `node:http`. Attach when the server
   * has its request handler. Returns what detaches again; connections that are open stay.
   */
  attach(server: Server | SecureServer): () => void;
  /** Decides about one upgrade, for applications that route upgrades themselves. Never throws. */
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Uint8Array): void;

  /** Attaches a service while running. @throws {TroupeError} `TROUPE_ROUTE_TAKEN`, `TROUPE_SERVICE_NAME_TAKEN` */
  attachService(service: ServiceSource): void;
  /**
   * Puts a service in the place of the one at the same route. Upgrades go to the new one at once; the connections of
   * the old one are drained with 1012, and the promise settles when none is left.
   * @throws {TroupeError} `TROUPE_SERVICE_UNKNOWN` when there is none at the route
   */
  replaceService(service: ServiceSource, options?: { readonly drain?: DrainOptions }): Promise<void>;
  /**
   * Takes a service away: upgrades get 503 while its connections are drained with 1001, and 404 from then on; the
   * promise settles when none is left.
   * @throws {TroupeError} `TROUPE_SERVICE_UNKNOWN`
   */
  detachService(name: string, options?: { readonly drain?: DrainOptions }): Promise<void>;

  /** Pushes text to every open connection of the service with that name. No such service: `unknown`. */
  broadcastText(service: string, text: string, options?: Except): Delivery;
  /** The same as `broadcastText` for bytes; they are copied. */
  broadcastBinary(service: string, data: Uint8Array, options?: Except): Delivery;

  /**
   * The shared state of the service with that name; `Logic` is what it was defined with, `typeof board` for example,
   * and is not looked at. What is subscribed to on it lasts until the service has stopped; a service that replaces it
   * has shared state of its own. An observer that throws is told as `callback.failed`.
   * @throws {TroupeError} `TROUPE_SERVICE_UNKNOWN`, `TROUPE_SHARED_UNDECLARED`
   */
  shared<Logic extends AnyActorLogic>(service: string): Shared<Logic>;

  /** The names of the services that are attached. */
  services(): readonly string[];
  /** The open connections of a service, in the order in which they came. @throws {TroupeError} `TROUPE_SERVICE_UNKNOWN` */
  connections(service: string, page?: PageRequest): Page<ConnectionInfo>;
  /** The groups that exist, emptied ones included. */
  groups(page?: PageRequest): Page<GroupInfo>;
  /** The members of a group, in the order in which they joined; none for an unknown group. */
  members(group: string, page?: PageRequest): Page<ConnectionInfo>;
  /** Whether the connection with that id is in a group. */
  isMember(group: string, connectionId: string): boolean;
  /** The names that connections are stored under. */
  storedNames(page?: PageRequest): Page<StoredNameInfo>;

  /** The same questions to all nodes. */
  readonly cluster: Cluster;
  /** Whether this node lives and accepts connections, for the probes of whoever runs it. */
  health(): Health;

  /**
   * What the recorder of its service has kept of the connection with that id; undefined when there is no such connection
   * (it may have ended), or when its service has no `recorder`.
   */
  recording(connectionId: string): Recording | undefined;

  /** Hears of an event; returns what unsubscribes. A listener that throws harms nobody. */
  on<Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): () => void;
  /** Receives XState's inspection events from now on; returns what unsubscribes. */
  inspect(inspector: Inspector): () => void;
  /** Where the inspector is, if there is one. */
  readonly inspector: InspectorAddress | undefined;

  /**
   * Shuts down: refuses upgrades with 503, tells the services, lets handlers finish, closes connections in batches,
   * destroys what is left at the deadline, and gives back names, groups, timers and ports. Rejects for wrong options
   * only; afterwards nothing of it keeps the process alive. A second call waits for the first.
   */
  close(options?: CloseOptions): Promise<void>;
}
