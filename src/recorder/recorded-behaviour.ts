/**
 * The behaviour of a service, recorded: it stands around what handles the events, whatever the form of the service.
 *
 * What a machine does of its own accord does not pass here; that is noticed where its actor takes an event out of its
 * mailbox. `test/recorder/replay.property.test.ts` would miss its steps if XState kept its mailbox otherwise.
 */
import type { AnyActorRef, EventObject, Snapshot } from 'xstate';
import type { Performer, PerformHow, RunnableBehaviour } from '../runtime/behaviour.ts';
import type { Connection } from '../service/connection.ts';
import type { ServiceEvent } from '../service/events.ts';
import { isThenable } from '../thenable.ts';
import type { Reel } from './reel.ts';

/** The internals of XState's `Actor` that are touched here. */
interface ActorInternals {
  readonly mailbox: { _process: (event: EventObject) => void };
}

/** Where a replay begins. */
export interface Beginning {
  /** The connection was opened before: it is not told so. */
  readonly isOpened: boolean;
  readonly snapshot?: Snapshot<unknown>;
}

/** `reelOf`: the reel of a connection of the service. `beginning`: where the first performer of it begins. */
export function recordedBehaviour(
  inner: RunnableBehaviour,
  reelOf: (connection: Connection) => Reel,
  beginning?: () => Beginning | undefined,
): RunnableBehaviour {
  return {
    handles: inner.handles,
    perform(seat) {
      const reel = reelOf(seat.connection);
      const { isOpened = false, snapshot } = beginning?.() ?? {};
      const prepare = (actor: AnyActorRef): void => overhear(actor, reel);
      const performer = reel.begin(snapshot === undefined ? 'start' : 'snapshot', () =>
        inner.perform(seat, snapshot === undefined ? { prepare } : { prepare, snapshot }),
      );
      return new RecordedPerformer(performer, reel, isOpened);
    },
  };
}

class RecordedPerformer implements Performer {
  readonly actor?: AnyActorRef;
  readonly #inner: Performer;
  readonly #reel: Reel;

  #isOpened: boolean;

  constructor(inner: Performer, reel: Reel, isOpened = false) {
    this.#isOpened = isOpened;
    this.#inner = inner;
    this.#reel = reel;
    if (inner.actor === undefined) return;
    this.actor = inner.actor;
    reel.begun(inner.actor);
  }

  receive(connection: Connection, event: ServiceEvent): unknown {
    const reel = this.#reel;
    const { type } = event;
    if (this.#isOpened) {
      this.#isOpened = false;
      if (type === 'ws.open') return undefined;
    }
    reel.event(event, type);
    const result = reel.within(() => this.#inner.receive(connection, event));
    if (isThenable(result)) return this.#wait(type, result);
    // What a machine did says more.
    if (this.actor === undefined) reel.settled(type, false);
    return result;
  }

  state(): unknown {
    return this.#inner.state?.();
  }

  halt(how: { readonly isKept: boolean }): void {
    this.#inner.halt?.(how);
  }

  get isKept(): boolean | undefined {
    return this.#inner.isKept;
  }

  resumed(): Performer {
    const reel = this.#reel;
    const how: PerformHow = { prepare: (actor) => overhear(actor, reel) };
    return new RecordedPerformer(
      reel.begin('snapshot', () => this.#inner.resumed?.(how) ?? this.#inner),
      reel,
    );
  }

  stop(): void {
    this.#inner.stop?.();
  }

  /** Waited for once, by a promise of its own: some begin anew each time they are waited for. */
  #wait(type: string, result: PromiseLike<unknown>): Promise<unknown> {
    const reel = this.#reel;
    reel.waits();
    return new Promise((resolve) => {
      resolve(result);
    }).then(
      (value) => {
        reel.settled(type, true);
        return value;
      },
      (error: unknown) => {
        reel.failed();
        throw error;
      },
    );
  }
}

/** Tells `reel` of each event that `actor`, a service's machine, takes. */
function overhear(actor: AnyActorRef, reel: Reel): void {
  const { mailbox } = actor as unknown as ActorInternals;
  const process = mailbox._process;
  mailbox._process = (event) => {
    if (event.type === 'xstate.stop') process.call(mailbox, event);
    else reel.step(event, actor, () => process.call(mailbox, event));
  };
}
