/**
 * When something happened, as a number: what happened first has the smaller one, whichever actor did it.
 *
 * XState tells of a snapshot only once all that its step has sent was dealt with. By then other actors may have taken
 * theirs, later, and were told of before. So, each time that anything is told of, the actors that are in the middle of
 * a step are looked at: one that has another snapshot than before has taken it since the last time. Between two actors
 * that take a snapshot something is always told of, the event that one of them is sent or the snapshot of the other.
 */
import type { AnyActorRef } from 'xstate';
import { snapshotOf } from './reading.ts';
import type { Doing } from './steps.ts';

interface Busy {
  /** How many events it was sent and has not dealt with yet. */
  waiting: number;
  snapshot: unknown;
  /** When it took that one, if that was in the step that it is in. */
  taken: number | undefined;
}

export class Moments {
  #last = 0;
  readonly #busy = new Map<AnyActorRef, Busy>();

  /** Of what happens now. */
  now(): number {
    for (const [actor, one] of this.#busy) {
      const snapshot = snapshotOf(actor);
      if (snapshot === one.snapshot) continue;
      one.snapshot = snapshot;
      one.taken = ++this.#last;
    }
    return ++this.#last;
  }

  /**
   * Of something that an actor does: for a snapshot, when it took it. Everything that a watched actor does is to be given
   * to this, once.
   */
  of({ type, actorRef }: Doing): number {
    const now = this.now();
    const actor = actorRef as AnyActorRef;
    let busy = this.#busy.get(actor);
    if (type !== '@xstate.snapshot') {
      if (busy === undefined) {
        busy = { waiting: 0, snapshot: snapshotOf(actor), taken: undefined };
        this.#busy.set(actor, busy);
      }
      if (type === '@xstate.event') busy.waiting++;
      return now;
    }
    if (busy === undefined) return now;
    const { taken = now } = busy;
    busy.taken = undefined;
    busy.waiting--;
    if (busy.waiting <= 0) this.#busy.delete(actor);
    return taken;
  }

  /** Nobody looks at that actor any more. */
  forget(actor: AnyActorRef): void {
    this.#busy.delete(actor);
  }
}
