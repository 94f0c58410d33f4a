/**
 * What happens in a Troupe, as typed events: for logs, metrics and tests.
 *
 * Nothing is made for an event that nobody listens to. A listener that throws
 * harms nobody; what it threw is reported as `callback.failed`. Failures that
 * nobody listens for become process warnings, so that they are never silent.
 */
import type { ConnectionInfo, ConnectionState, LivenessState, OutboundState } from '../service/connection.ts';
import { onRejected } from '../thenable.ts';
import type { DeliveryStatus } from '../service/outcome.ts';

/** The events by name, with what they carry. */
export interface TroupeEvents {
  /** A connection was opened; `onOpen` has not run yet. */
  'connection.opened': { readonly connection: ConnectionInfo };
  /** The chart of a connection is in other states than before. */
  'connection.changed': {
    readonly connection: string;
    readonly service: string;
    /** The event that led there. */
    readonly event: string;
    /** All active states, as XState writes them. */
    readonly value: unknown;
    readonly state: ConnectionState;
    readonly outbound: OutboundState;
    readonly liveness: LivenessState;
  };
  /** Nothing of a connection is left. */
  'connection.closed': { readonly connection: ConnectionInfo; readonly code: number; readonly reason: string };
  /** A handler, guard or action failed; the connection ends with 1011. */
  'connection.crashed': {
    readonly connection: ConnectionInfo;
    readonly service: string;
    /** The active states of the connection, and of the service's machine when it has one. */
    readonly state: { readonly connection: unknown; readonly machine?: unknown };
    /** The event that was being handled. */
    readonly during: string;
    readonly error: unknown;
  };
  /** The remote side broke the protocol; the connection ends with `code`. */
  'connection.violated': { readonly connection: ConnectionInfo; readonly code: number; readonly error: Error };
  /** A message of a kind that the service does not handle. */
  'connection.ignored': {
    readonly connection: ConnectionInfo;
    readonly kind: 'text' | 'binary';
    readonly total: number;
  };
  /** A name went from `previous` to `connection`; `previous` stays open. */
  'connection.replaced': { readonly name: string; readonly connection: string; readonly previous: string };
  /** An upgrade was answered with `status`. */
  'upgrade.refused': {
    readonly status: number;
    readonly reason: string;
    readonly path: string;
    readonly remoteAddress: string;
  };
  /** A push that reached nobody, or not all of a group. */
  'push.dead-lettered': {
    readonly function: string;
    readonly target: string;
    readonly status: DeliveryStatus;
    readonly bytes: number;
    /** How many connections it did not reach; 0 when there was no target at all. */
    readonly missed: number;
  };
  'service.attached': { readonly service: string };
  'service.draining': { readonly service: string; readonly connections: number };
  'service.detached': { readonly service: string };
  /** The inspector is served at `url`, whose token lets in whoever has it. */
  'inspector.listening': { readonly url: string };
  'server.listening': { readonly host: string; readonly port: number; readonly url: string };
  'server.draining': { readonly connections: number };
  'server.closed': Readonly<Record<never, never>>;
  /** A callback of the embedding program threw; `callback` says which. */
  'callback.failed': { readonly callback: string; readonly error: unknown };
}

export type TroupeEventName = keyof TroupeEvents;

const names: Readonly<Record<TroupeEventName, true>> = {
  'connection.opened': true,
  'connection.changed': true,
  'connection.closed': true,
  'connection.crashed': true,
  'connection.violated': true,
  'connection.ignored': true,
  'connection.replaced': true,
  'upgrade.refused': true,
  'push.dead-lettered': true,
  'service.attached': true,
  'service.draining': true,
  'service.detached': true,
  'inspector.listening': true,
  'server.listening': true,
  'server.draining': true,
  'server.closed': true,
  'callback.failed': true,
};

/** All events that there are. */
export const eventNames = Object.keys(names) as readonly TroupeEventName[];

export type TroupeEventListener<Name extends TroupeEventName> = (event: TroupeEvents[Name]) => void;

/** The events that must not pass in silence. */
const failures: ReadonlySet<TroupeEventName> = new Set(['connection.crashed', 'callback.failed']);

/** Where listeners run: user code like any other. */
interface UserCode {
  during<Result>(userCode: () => Result): Result;
}

/** `error` as text; what user code throws may be anything, also something that fails when it is looked at. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error);
  } catch {
    return 'with something that cannot be shown as text';
  }
}

/** How often a failure of the same place becomes a warning. */
const MAX_WARNINGS = 5;

/** Tells the listeners of one Troupe. */
export class Events {
  readonly #listeners = new Map<TroupeEventName, Set<TroupeEventListener<never>>>();
  /** Who hears of events without being a subscriber: failures that only they hear of become warnings all the same. */
  readonly #eavesdroppers = new Map<TroupeEventName, Set<TroupeEventListener<never>>>();
  readonly #warned = new Map<string, number>();
  readonly #userCode: UserCode;

  constructor(userCode: UserCode) {
    this.#userCode = userCode;
  }

  /** Whether anybody would hear of it: check it before making an event that costs something. */
  has(name: TroupeEventName): boolean {
    return this.#listeners.has(name) || failures.has(name) || this.#eavesdroppers.has(name);
  }

  /** Hears of an event beside its listeners, for the runtime's own use: `listener` MUST NOT throw. */
  overhear<Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): () => void {
    const eavesdroppers = this.#eavesdroppers.get(name) ?? new Set();
    this.#eavesdroppers.set(name, eavesdroppers.add(listener));
    return () => {
      eavesdroppers.delete(listener);
      if (eavesdroppers.size === 0) this.#eavesdroppers.delete(name);
    };
  }

  on<Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): () => void {
    // Each subscription is its own, even when the same function subscribes twice.
    const own: TroupeEventListener<Name> = (event) => listener(event);
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()));
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }

  emit<Name extends TroupeEventName>(name: Name, event: TroupeEvents[Name]): void {
    if (this.#eavesdroppers.size > 0) {
      for (const listener of [...(this.#eavesdroppers.get(name) ?? [])]) {
        (listener as TroupeEventListener<Name>)(event);
      }
    }
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      if (failures.has(name)) this.#warn(name, event);
      return;
    }
    for (const listener of [...listeners]) {
      try {
        const result: unknown = this.#userCode.during(() => (listener as TroupeEventListener<Name>)(event));
        onRejected(result, (error) => this.#listenerFailed(name, error));
      } catch (error) {
        this.#listenerFailed(name, error);
      }
    }
  }

  #listenerFailed(name: TroupeEventName, error: unknown): void {
    const failure = { callback: `listener of "${name}"`, error };
    // A failing listener of failures would otherwise be told of its own failure for ever.
    if (name === 'callback.failed') this.#warn('callback.failed', failure);
    else this.emit('callback.failed', failure);
  }

  /**
   * A failure that nobody listens for, as a process warning: visible by default, and catchable like any other. A
   * stranger who makes a handler fail again and again must not fill a disk, so the same place warns a few times only.
   */
  #warn(name: TroupeEventName, event: object): void {
    const { error, ...rest } = event as { error?: unknown; during?: string; callback?: string; service?: string };
    const where = rest.callback ?? `${rest.during} in service "${rest.service}"`;
    const times = (this.#warned.get(where) ?? 0) + 1;
    if (times > MAX_WARNINGS) return;
    this.#warned.set(where, times);
    const what = textOf(error);
    const last = times === MAX_WARNINGS ? ' This place warns no more.' : '';
    process.emitWarning(`${where} failed: ${what}`, {
      type: 'TroupeWarning',
      code: name,
      detail: `Listen with troupe.on('${name}', ...) to handle this.${last}`,
    });
  }
}
