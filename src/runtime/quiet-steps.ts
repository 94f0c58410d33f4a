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

/** On a mailbox: whose it is, and the isolation of that actor's system. */
const ACTOR = Symbol('actor');
const ISOLATION = Symbol('isolation');

interface Quiet {
  readonly [ACTOR]: QuietActor;
  readonly [ISOLATION]: Isolation;
}

/** The fields of XState's `Mailbox`. */
interface MailboxFields {
  _process: (event: EventObject) => void;
  _active: boolean;
  _current: unknown;
  _last: unknown;
}

export const fieldsOfMailbox = '_process,_active,_current,_last';

type MakeMailbox = new (actor: QuietActor, system: AnyActorRef['system']) => object;

/**
 * Makes mailboxes as XState's class `Mailbox` does, which take what they can quietly. What takes an event is one
 * function for all of them: a closure for each is two more objects that a message touches.
 */
export function quietMailboxes(Mailbox: { readonly prototype: object }): MakeMailbox {
  const Made = function mailbox(
    this: MailboxFields & { -readonly [Key in keyof Quiet]: Quiet[Key] },
    actor: QuietActor,
    system: AnyActorRef['system'],
  ): void {
    const isolation = isolationOf(system);
    // Without it an action that rejects would have to be waited for by somebody else.
    this._process = isolation === undefined ? (event) => actor._process(event) : takeEvent;
    this._active = false;
    this._current = null;
    this._last = null;
    this[ACTOR] = actor;
    this[ISOLATION] = isolation!;
  } as unknown as MakeMailbox;
  Object.defineProperty(Made, 'prototype', { value: Mailbox.prototype });
  return Made;
}

/** Called by a mailbox as its own. */
function takeEvent(this: Quiet, event: EventObject): void {
  processQuietly(this[ACTOR], this[ISOLATION], event);
}

function processQuietly(actor: QuietActor, isolation: Isolation, event: EventObject): void {
  const ref = actor as unknown as AnyActorRef;
  const planned = plannedMachineOf(actor.logic);
  const isQuiet = actor._processingStatus === RUNNING && !isSubscribed(ref) && !isolation.isFollowed(ref);
  if (planned === undefined || !isQuiet) {
    actor._process(event);
    return;
  }
  const snapshot = actor._snapshot as Snapshot;
  let next: Snapshot | undefined;
  try {
    next = planned.takeQuietly(actor, snapshot, event, isolation);
  } catch (error) {
    // As XState does it.
    actor._snapshot = { ...(actor._snapshot as Snapshot), status: 'error', error };
    actor._error(error);
    return;
  }
  if (next === undefined) actor._process(event);
  else if (planned.mayDefer && actor._deferred.length > 0) actor.update(next, event);
  else if (next !== snapshot) actor._snapshot = next;
}
