/**
 * Has a machine's actor take an event that nobody follows.
 *
 * XState makes an inspection event for each action, step and snapshot, gives its
 * observers a turn and looks for what was deferred, whether or not there is
 * anybody and anything. Where messages come at a moderate rate each finds the
 * processor's caches cold, and then it is not the work that costs but every
 * further object on the way to it. So where nobody inspects the actor and nobody
 * has subscribed to it, its plan is carried out here and the snapshot put in
 * place, and that is all; everything else goes XState's own way, event by event.
 *
 * The property of `planned-machine.ts` holds it to XState.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import { isolationOf, isSubscribed, type Isolation } from './isolation.ts';
import type { Snapshot } from './machine-internals.ts';
import { plannedMachineOf, type QuietlyActing } from './planned-machine.ts';

/** What is touched of XState's `Actor`. */
export interface QuietActor extends QuietlyActing {
  readonly logic: unknown;
  readonly _processingStatus: number;
  readonly _deferred: readonly unknown[];
  _snapshot: unknown;
  _process(event: EventObject): void;
  _error(error: unknown): void;
  update(snapshot: unknown, event: EventObject): void;
}

const RUNNING = 1;

/** What the mailbox of `actor` does with an event, in the place of `_process`. */
export function processOf(actor: QuietActor, system: AnyActorRef['system']): (event: EventObject) => void {
  const isolation = isolationOf(system);
  // Without it an action that rejects would have to be waited for by somebody else.
  if (isolation === undefined) return (event) => actor._process(event);
  return (event) => processQuietly(actor, isolation, event);
}

function processQuietly(actor: QuietActor, isolation: Isolation, event: EventObject): void {
  const ref = actor as unknown as AnyActorRef;
  const planned = plannedMachineOf(actor.logic);
  const isQuiet = actor._processingStatus === RUNNING && !isSubscribed(ref) && !isolation.isFollowed(ref);
  if (planned === undefined || !isQuiet) {
    actor._process(event);
    return;
  }
  let next: Snapshot | undefined;
  try {
    next = planned.takeQuietly(actor, actor._snapshot as Snapshot, event, isolation);
  } catch (error) {
    // As XState does it.
    actor._snapshot = { ...(actor._snapshot as Snapshot), status: 'error', error };
    actor._error(error);
    return;
  }
  if (next === undefined) actor._process(event);
  else if (actor._deferred.length > 0) actor.update(next, event);
  else actor._snapshot = next;
}
