/**
 * Runs a service's code for its connections, and lets nothing of it escape: what
 * it throws or rejects with is told to the owner, what it returns is waited for.
 */
import type { WsEvent } from '../service/events.ts';
import { isThenable, onRejected } from '../thenable.ts';
import type { Turns } from './turns.ts';
import type { Performer, RunnableBehaviour, Seat } from './behaviour.ts';

/** Whom the handling tells, and for whom it is done. */
export interface HandlingOwner extends Seat {
  /** What handles its events, from its opening on. */
  performer: Performer | undefined;
  /** The handler of `type` has settled. */
  settled(type: WsEvent['type']): void;
  /** The handler of `during` failed. */
  failed(error: unknown, during: string): void;
  /** The service's `onError` itself failed; nothing follows from that. */
  errorHandlerFailed(error: unknown): void;
}

/** The handling of one service, for all its connections. */
export class Handling {
  readonly #behaviour: RunnableBehaviour;
  readonly #turns: Turns;

  constructor(behaviour: RunnableBehaviour, turns: Turns) {
    this.#behaviour = behaviour;
    this.#turns = turns;
  }

  /** Makes what handles the events of `owner`, then opens it. */
  open(owner: HandlingOwner, event: WsEvent): void {
    try {
      owner.performer = this.#turns.during(() => this.#behaviour.perform(owner));
    } catch (error) {
      owner.failed(error, event.type);
      return;
    }
    this.run(owner, event);
  }

  /** Has the service handle `event`; exactly one of `settled` and `failed` follows. */
  run(owner: HandlingOwner, event: WsEvent): void {
    const { type } = event;
    let result: unknown;
    try {
      result = this.#behaviour.handles.has(type) ? this.#receive(owner, event) : undefined;
      if (!isThenable(result)) {
        owner.settled(type);
        return;
      }
    } catch (error) {
      owner.failed(error, type);
      return;
    }
    settleLater(owner, type, result);
  }

  /** Tells the service of an error, beside whatever it is handling. */
  tellError(owner: HandlingOwner, error: unknown): void {
    if (!this.#behaviour.handles.has('ws.error')) return;
    try {
      onRejected(this.#receive(owner, { type: 'ws.error', error }), (cause) => owner.errorHandlerFailed(cause));
    } catch (cause) {
      owner.errorHandlerFailed(cause);
    }
  }

  #receive(owner: HandlingOwner, event: WsEvent): unknown {
    this.#turns.enter();
    try {
      return owner.performer?.receive(owner.connection, event);
    } finally {
      this.#turns.leave();
    }
  }
}

/** Apart from `run`, so that only handlers that are waited for cost closures. */
function settleLater(owner: HandlingOwner, type: WsEvent['type'], result: unknown): void {
  // A promise of its own settles once, whatever the `then` of the service's one does.
  void new Promise((resolve) => {
    resolve(result);
  }).then(
    () => owner.settled(type),
    (error: unknown) => owner.failed(error, type),
  );
}
