/**
 * Runs a service's code for its connections, and lets nothing of it escape: what
 * it throws or rejects with is told to the owner, what it returns is waited for.
 */
import type { ServiceEvent } from '../service/events.ts';
import type { Events } from '../telemetry/events.ts';
import { isThenable, onSettled } from '../thenable.ts';
import { HandlerWatch } from './handler-watch.ts';
import type { Turns } from './turns.ts';
import type { Performer, RunnableBehaviour, Seat } from './behaviour.ts';

/** Whom the handling tells, and for whom it is done. */
export interface HandlingOwner extends Seat {
  /** What handles its events, from its opening on. */
  performer: Performer | undefined;
  /** The handler of `type` has settled. */
  settled(type: ServiceEvent['type']): void;
  /** The handler of `during` failed. */
  failed(error: unknown, during: string): void;
  /** What has a successor meanwhile failed after all; nothing follows from that for the successor. */
  predecessorFailed(error: unknown, during: string): void;
  /** The service's `onError` itself failed; nothing follows from that. */
  errorHandlerFailed(error: unknown): void;
}

/** The handling of one service, for all its connections. */
export class Handling {
  readonly #behaviour: RunnableBehaviour;
  readonly #turns: Turns;
  readonly #events: Events;

  constructor(behaviour: RunnableBehaviour, turns: Turns, events: Events) {
    this.#behaviour = behaviour;
    this.#turns = turns;
    this.#events = events;
  }

  /** Makes what handles the events of `owner`, then opens it. */
  open(owner: HandlingOwner, event: ServiceEvent): void {
    const watch = this.#watch(owner, event);
    const perform = (): Performer => this.#behaviour.perform(owner);
    try {
      owner.performer = this.#turns.during(watch === undefined ? perform : () => watch.run(perform));
    } catch (error) {
      fail(owner, event.type, error, watch);
      return;
    }
    this.run(owner, event, watch);
  }

  /** Goes on from what the performer of `owner` has kept; exactly one of `settled` and `failed` follows. */
  resume(owner: HandlingOwner): void {
    const { performer } = owner;
    try {
      if (performer?.resumed !== undefined) owner.performer = this.#turns.during(() => performer.resumed?.());
    } catch (error) {
      owner.failed(error, 'ws.open');
      return;
    }
    owner.settled('ws.open');
  }

  /** Has the service handle `event`; exactly one of `settled` and `failed` follows. */
  run(owner: HandlingOwner, event: ServiceEvent, watch = this.#watch(owner, event)): void {
    const { type } = event;
    let result: unknown;
    try {
      result = this.#behaviour.handles.has(type) ? this.#receive(owner, event, watch) : undefined;
      if (!isThenable(result)) {
        watch?.returned(owner.performer);
        owner.settled(type);
        return;
      }
    } catch (error) {
      fail(owner, type, error, watch);
      return;
    }
    settleLater(owner, type, result, watch);
  }

  /** Tells the service of an error, beside whatever it is handling. */
  tellError(owner: HandlingOwner, error: unknown): void {
    if (!this.#behaviour.handles.has('ws.error') || !isAlive(owner.performer)) return;
    const event = { type: 'ws.error', error } as const;
    const watch = this.#watch(owner, event);
    const failed = (cause: unknown): void => {
      watch?.settled({ error: cause });
      owner.errorHandlerFailed(cause);
    };
    onSettled(
      () => this.#receive(owner, event, watch),
      () => watch?.returned(owner.performer),
      failed,
    );
  }

  /** Undefined unless somebody wants to know how it goes. */
  #watch(owner: HandlingOwner, event: ServiceEvent): HandlerWatch | undefined {
    const { tracer, topics } = this.#events;
    if (tracer?.handler === undefined && !topics['handler.settled'].isHeard) return undefined;
    return this.#behaviour.handles.has(event.type)
      ? new HandlerWatch(this.#events, owner.connection, event)
      : undefined;
  }

  #receive(owner: HandlingOwner, event: ServiceEvent, watch: HandlerWatch | undefined): unknown {
    this.#turns.enter();
    try {
      if (watch !== undefined) return watch.run(() => owner.performer?.receive(owner.connection, event));
      return owner.performer?.receive(owner.connection, event);
    } finally {
      this.#turns.leave();
    }
  }
}

/** Whether anything is told at all: there is none when making it failed, and a machine that has failed is told nothing. */
function isAlive(performer: Performer | undefined): boolean {
  const snapshot = performer?.actor?.getSnapshot() as { readonly status: string } | undefined;
  return performer !== undefined && (snapshot === undefined || snapshot.status === 'active');
}

/** Apart from `run`, so that only handlers that are waited for cost closures. */
function settleLater(
  owner: HandlingOwner,
  type: ServiceEvent['type'],
  result: unknown,
  watch: HandlerWatch | undefined,
): void {
  const { performer } = owner;
  // A promise of its own settles once, whatever the `then` of the service's one does.
  void new Promise((resolve) => {
    resolve(result);
  }).then(
    () => settle(owner, type, watch, performer),
    (error: unknown) => failLater(owner, type, error, watch, performer),
  );
}

function settle(
  owner: HandlingOwner,
  type: ServiceEvent['type'],
  watch: HandlerWatch | undefined,
  performer: Performer | undefined,
): void {
  watch?.settled();
  // A machine that has failed meanwhile has a successor, which settles and fails for itself.
  if (owner.performer === performer) owner.settled(type);
}

function failLater(
  owner: HandlingOwner,
  type: ServiceEvent['type'],
  error: unknown,
  watch: HandlerWatch | undefined,
  performer: Performer | undefined,
): void {
  if (owner.performer === performer) {
    fail(owner, type, error, watch);
  } else {
    watch?.settled({ error });
    owner.predecessorFailed(error, type);
  }
}

function fail(owner: HandlingOwner, type: ServiceEvent['type'], error: unknown, watch: HandlerWatch | undefined): void {
  watch?.settled({ error });
  owner.failed(error, type);
}
