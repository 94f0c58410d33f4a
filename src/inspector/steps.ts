/**
 * Which event a snapshot belongs to, as a number.
 *
 * XState tells of an event when it is sent and of the snapshot when it has been dealt with; others of the same type, or
 * the very same object, may be sent in between, and a viewer that misses a frame could not tell them apart any more. An
 * actor deals with its events in the order in which they were sent, so that counting here, where nothing is missed, is
 * enough. The numbers of an actor never begin anew.
 */

/** Something that an inspected actor did. */
export interface Doing {
  readonly type: '@xstate.event' | '@xstate.snapshot' | '@xstate.microstep';
  readonly event: object;
  readonly actorRef: object;
}

interface Counted {
  last: number;
  /** Events that were sent and not dealt with yet. */
  readonly waiting: { readonly event: object; readonly step: number }[];
  /** The step whose transitions are being taken. */
  current: number | undefined;
}

/** What an actor leaves unread is let go of: it may be sent events before it starts, and never start. */
const MAX_WAITING = 1000;

export class Steps {
  readonly #actors = new WeakMap<object, Counted>();

  /** The actor is looked at from now on: what was sent to it before may have been dealt with meanwhile. */
  begin(actor: object): void {
    const counted = this.#of(actor);
    counted.waiting.length = 0;
    counted.current = undefined;
  }

  /** The number of the step that `doing` is a part of. Everything that the actor does is to be given to this, once. */
  numberOf({ type, event, actorRef }: Doing): number {
    const counted = this.#of(actorRef);
    if (type === '@xstate.event') {
      if (counted.waiting.length === MAX_WAITING) counted.waiting.shift();
      counted.waiting.push({ event, step: ++counted.last });
      return counted.last;
    }
    // Transitions for what a machine raises itself, and those without an event, are a part of the step they follow in.
    const step = counted.current ?? dealtWith(counted, event) ?? ++counted.last;
    counted.current = type === '@xstate.microstep' ? step : undefined;
    return step;
  }

  #of(actor: object): Counted {
    let counted = this.#actors.get(actor);
    if (counted === undefined) this.#actors.set(actor, (counted = { last: 0, waiting: [], current: undefined }));
    return counted;
  }
}

/** Takes `event` from those that wait, and those before it: they will not be dealt with any more. */
function dealtWith({ waiting }: Counted, event: object): number | undefined {
  const index = waiting.findIndex((one) => one.event === event);
  return index === -1 ? undefined : waiting.splice(0, index + 1).at(-1)?.step;
}
