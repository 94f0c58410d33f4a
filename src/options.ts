/** What `createTroupe` is told. */
import type { InspectionEvent, Observer } from 'xstate';
import { checkOptions, wrongType } from './arguments.ts';
import type { Backplane } from './backplane/contract.ts';
import type { TrustProxy } from './http/client-address.ts';
import type { InspectorOptions } from './inspector/options.ts';
import type { Clock } from './runtime/clock.ts';
import type { ServiceClass } from './service/annotations.ts';
import { checkCompression, type CompressionOptions } from './service/compression.ts';
import type { HttpListener, ServiceDefinition } from './service/definition.ts';
import { checkOrigins } from './service/option-checks.ts';
import type { Limits } from './service/limits.ts';

/** What defines a service: the result of `defineService`, or an annotated class. */
export type ServiceSource = ServiceDefinition | ServiceClass;

/** Sees what happens in the actor system; may throw, and harms nobody if it does. */
export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

export interface TroupeOptions {
  /** The services to begin with; more can be attached later. */
  readonly services?: readonly ServiceSource[];
  /** Limits that differ from the defaults, for all services. */
  readonly limits?: Partial<Limits>;
  /** Origins that browsers may connect from beside the server's own; `'*'` for all. */
  readonly allowedOrigins?: '*' | readonly string[];
  /**
   * Whether messages are compressed for those that ask for it, for all services; see {@link ServiceOptions}.
   * @defaultValue false
   */
  readonly compression?: boolean | CompressionOptions;
  /**
   * The proxies in front of this server: their addresses and CIDR blocks, or how many there are one behind another.
   * `remoteAddress` is then what they say of the client in `X-Forwarded-For`. List or count none that a client can get
   * past: whoever is trusted may claim any address. @defaultValue none: the other end of the TCP connection
   */
  readonly trustProxy?: TrustProxy;
  /**
   * Relays between this node and others: `redis(...)` of `troupe/redis`, `nats(...)` of `troupe/nats`, or your own; see
   * `docs/many-nodes.md`. One for each Troupe. @defaultValue none: one node
   */
  readonly backplane?: Backplane;
  /** Answers the plain HTTP requests of a server of our own (`listen`) that no service answers. */
  readonly http?: HttpListener;
  /** Where time comes from: heartbeats, time-outs, drains and machines' delays. @defaultValue the system's time */
  readonly clock?: Clock;
  /** Receives XState's inspection events, of the whole system from its beginning. */
  readonly inspect?: Inspector;
  /** Serves a page that shows every connection live, to whoever is admitted; see `docs/inspector.md`. @defaultValue false */
  readonly inspector?: boolean | InspectorOptions;
}

const known: Readonly<Record<keyof TroupeOptions, true>> = {
  services: true,
  limits: true,
  allowedOrigins: true,
  compression: true,
  trustProxy: true,
  backplane: true,
  http: true,
  clock: true,
  inspect: true,
  inspector: true,
};

/** Checks what no other part checks when it is made. @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` */
export function checkTroupeOptions(options: TroupeOptions): void {
  checkOptions('options', options, Object.keys(known));
  if (options.services !== undefined && !Array.isArray(options.services)) {
    throw wrongType('services', 'an array of services', options.services);
  }
  checkOrigins(options.allowedOrigins);
  checkBackplane(options.backplane);
  checkCompression(options.compression);
  if (options.http !== undefined && typeof options.http !== 'function') {
    throw wrongType('http', 'a function', options.http);
  }
}

function checkBackplane(backplane: Backplane | undefined): void {
  if (backplane === undefined) return;
  const { engine, connect } = Object(backplane) as Partial<Backplane>;
  if (typeof engine !== 'string' || typeof connect !== 'function')
    throw wrongType('backplane', 'what redis() of troupe/redis or nats() of troupe/nats returns', backplane);
}
