/**
 * Tells of what happens: the listeners of one Troupe, and whoever subscribes to
 * the channels of `node:diagnostics_channel`, which all Troupes of the process share.
 *
 * A listener that throws harms nobody; what it threw is reported as
 * `callback.failed`. Failures that nobody listens for become process warnings,
 * so that they are never silent.
 */
import { onRejected } from '../thenable.ts';
import { eventNames, type TroupeEventListener, type TroupeEventName, type TroupeEvents } from './facts.ts';
import { Topic } from './topic.ts';
import type { Tracer } from './tracer.ts';
import { Upgrades } from './upgrades.ts';

export { eventNames } from './facts.ts';
export type { Edge, TroupeEventListener, TroupeEventName, TroupeEvents } from './facts.ts';

type Topics = { readonly [Name in TroupeEventName]: Topic<Name> };

/** The events that must not pass in silence. */
const failures: ReadonlySet<TroupeEventName> = new Set([
  'connection.crashed',
  'shared.crashed',
  'callback.failed',
  'backplane.lost',
  'backplane.unreachable',
]);

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
  /** By name, for those that ask often: `topics['message.received'].isHeard`. */
  readonly topics: Topics = Object.fromEntries(
    eventNames.map((name) => [name, new Topic(name, failures.has(name))]),
  ) as unknown as Topics;
  /** Follows the work itself, beside the facts; see {@link Tracer}. */
  tracer: Tracer | undefined;
  /** The Troupe, for those who hear of several; set when it is made. */
  troupe: object | undefined;
  readonly upgrades = new Upgrades(this);
  readonly #warned = new Map<string, number>();
  readonly #userCode: UserCode;

  constructor(userCode: UserCode) {
    this.#userCode = userCode;
  }

  /** Whether anybody would hear of it: check it before making an event that costs something. */
  has(name: TroupeEventName): boolean {
    return this.topics[name].isHeard;
  }

  /** Hears of an event beside its listeners, for the runtime's own use: `listener` MUST NOT throw. */
  overhear<Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): () => void {
    return this.#topic(name).overhear((event) => listener(event));
  }

  on<Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): () => void {
    // Each subscription is its own, even when the same function subscribes twice.
    return this.#topic(name).listen((event) => listener(event));
  }

  emit<Name extends TroupeEventName>(name: Name, event: TroupeEvents[Name]): void {
    const topic = this.#topic(name);
    for (const listener of topic.eavesdroppers) listener(event);
    const { listeners, channel } = topic;
    for (const listener of listeners) {
      try {
        const result: unknown = this.#userCode.during(() => listener(event));
        onRejected(result, (error) => this.#listenerFailed(name, error));
      } catch (error) {
        this.#listenerFailed(name, error);
      }
    }
    // What a subscriber throws is for Node to deal with: an uncaught exception, in the next tick.
    if (channel.hasSubscribers) this.#userCode.during(() => channel.publish({ troupe: this.troupe, ...event }));
    else if (listeners.length === 0 && failures.has(name)) this.#warn(name, event);
  }

  #topic<Name extends TroupeEventName>(name: Name): Topic<Name> {
    return this.topics[name] as unknown as Topic<Name>;
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
    const { error, ...rest } = event as Partial<Record<'during' | 'callback' | 'service' | 'engine', string>> & {
      error?: unknown;
    };
    const where =
      rest.engine === undefined
        ? (rest.callback ?? `${rest.during} in service "${rest.service}"`)
        : `the link to the backplane "${rest.engine}"`;
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
