/**
 * Runs a service's code for one connection, and lets nothing of it escape: what
 * it throws or rejects with is told to the owner, what it returns is waited for.
 */
import type { WsEvent } from '../service/events.ts';
import { isThenable, onRejected } from '../thenable.ts';
import type { Turns } from './turns.ts';
import type { Performer, RunnableBehaviour, Seat } from './behaviour.ts';

/** Whom the handling tells. */
export interface HandlingOwner extends Seat {
  /** The handler of `type` has settled. */
  settled(type: WsEvent['type']): void;
  /** The handler of `during` failed. */
  failed(error: unknown, during: string): void;
  /** The service's `onError` itself failed; nothing follows from that. */
  errorHandlerFailed(error: unknown): void;
}

export class Handling {
  readonly #behaviour: RunnableBehaviour;
  readonly #turns: Turns;
  readonly #owner: HandlingOwner;
  #performer: Performer | undefined;

  constructor(behaviour: RunnableBehaviour, turns: Turns, owner: HandlingOwner) {
    this.#behaviour = behaviour;
    this.#turns = turns;
    this.#owner = owner;
  }

  /** The active states of the service's machine, if it has one. */
  get machineState(): unknown {
    return this.#performer?.state?.();
  }

  /** Makes what handles the events of this connection, then opens it. */
  open(event: WsEvent): void {
    try {
      this.#performer = this.#turns.during(() => this.#behaviour.perform(this.#owner));
    } catch (error) {
      this.#owner.failed(error, event.type);
      return;
    }
    this.run(event);
  }

  /** Has the service handle `event`; exactly one of `settled` and `failed` follows. */
  run(event: WsEvent): void {
    const { type } = event;
    let result: unknown;
    try {
      result = this.#behaviour.handles.has(type) ? this.#receive(event) : undefined;
      if (!isThenable(result)) {
        this.#owner.settled(type);
        return;
      }
    } catch (error) {
      this.#owner.failed(error, type);
      return;
    }
    // A promise of its own settles once, whatever the `then` of the service's one does.
    void new Promise((resolve) => {
      resolve(result);
    }).then(
      () => this.#owner.settled(type),
      (error: unknown) => this.#owner.failed(error, type),
    );
  }

  /** Tells the service of an error, beside whatever it is handling. */
  tellError(error: unknown): void {
    if (!this.#behaviour.handles.has('ws.error')) return;
    try {
      onRejected(this.#receive({ type: 'ws.error', error }), (cause) => this.#owner.errorHandlerFailed(cause));
    } catch (cause) {
      this.#owner.errorHandlerFailed(cause);
    }
  }

  stop(): void {
    this.#performer?.stop?.();
  }

  #receive(event: WsEvent): unknown {
    return this.#turns.during(() => this.#performer?.receive(this.#owner.connection, event));
  }
}
