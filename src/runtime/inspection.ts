/**
 * Knows who inspects a system, and which of its actors.
 *
 * XState makes an inspection event for whatever happens and then finds that
 * nobody listens. Actors of the runtime ask first: with the inspector detached
 * they make none, and their events need not pass `system._relay`, which does
 * nothing else than to tell of them. Attached and detached at any time.
 *
 * XState's `inspect` tells an inspector of everything. One that watches some
 * actors only, {@link watchActors}, is asked about each, so that the others pay
 * for it no more than the question.
 */
import type { AnyActorRef, EventObject, InspectionEvent } from 'xstate';

type System = AnyActorRef['system'];

/** An actor, as far as it is asked for. */
type Identified = Pick<AnyActorRef, 'sessionId'>;

/** What actors ask. */
export interface Inspection {
  /** Whether anybody inspects at all. */
  readonly isOn: boolean;
  /** Whether anybody wants to be told what this actor does. */
  watches(actor: Identified): boolean;
  /** Whether anybody wants to be told of actors that this parent starts. */
  watchesChildrenOf(parentId: string): boolean;
}

/** One that inspects some actors. */
export interface ActorWatcher {
  /** The answer is remembered for a while: {@link Watching.changed} MUST be called when it becomes another. */
  wants(sessionId: string): boolean;
  /** Whether it wants to know of actors that this parent starts. */
  wantsChildrenOf(parentId: string | undefined): boolean;
  /** Takes what it wanted. */
  next(event: InspectionEvent): void;
}

/** What a watcher holds while it watches. */
export interface Watching {
  /** The watcher wants other actors from now on. */
  changed(): void;
  end(): void;
}

/** What XState makes of whatever happens, and completes when somebody inspects. */
interface Doing {
  readonly type: string;
  readonly actorRef: AnyActorRef;
  readonly sourceRef?: AnyActorRef | undefined;
  readonly event?: EventObject;
  readonly snapshot?: unknown;
}

interface SystemInternals {
  _sendInspectionEvent: (event: Doing) => void;
}

const ALWAYS: Inspection = { isOn: true, watches: () => true, watchesChildrenOf: () => true };

const inspections = new WeakMap<System, SystemInspection>();

/** The inspection of `system`; a system that is not {@link watchInspection watched} counts as inspected. */
export function inspectionOf(system: System): Inspection {
  return inspections.get(system) ?? ALWAYS;
}

/**
 * Notices from now on who inspects `system`.
 *
 * @param isInspected Whether somebody does already, and for good: XState's option `inspect` cannot be taken back.
 */
export function watchInspection(system: System, isInspected: boolean): void {
  inspections.set(system, new SystemInspection(system, isInspected));
}

/** Tells `watcher` of the actors that it wants, until that is ended. */
export function watchActors(system: System, watcher: ActorWatcher): Watching {
  const inspection = inspections.get(system);
  if (inspection === undefined) throw new Error('nobody notices who inspects this system');
  return inspection.watch(watcher);
}

class SystemInspection implements Inspection {
  isOn: boolean;
  /** Those that are told of everything. */
  readonly #inspectors = new Set<object>();
  #watchers: readonly ActorWatcher[] = [];
  /** The last two that were asked for: an event of a connection asks some ten times, for its actor and its machine. */
  #latest: Identified | undefined;
  #isLatestWatched = false;
  #former: Identified | undefined;
  #isFormerWatched = false;
  readonly #inspect: System['inspect'];
  /** Snapshots of actors that failed, as far as they were told of. */
  readonly #failures = new WeakSet<object>();

  constructor(system: System, isInspected: boolean) {
    if (isInspected) this.#inspectors.add(this);
    this.isOn = isInspected;
    const inspect = system.inspect;
    this.#inspect = inspect;
    system.inspect = (inspector) => {
      const subscription = inspect(inspector);
      this.#inspectors.add(subscription);
      this.#count();
      return {
        unsubscribe: () => {
          subscription.unsubscribe();
          this.#inspectors.delete(subscription);
          this.#count();
        },
      };
    };
    const internals = system as unknown as SystemInternals;
    const tell = internals._sendInspectionEvent;
    internals._sendInspectionEvent = (event) => {
      // A new actor is isolated on this occasion, whether or not anybody wants to know of it.
      if (event.type === '@xstate.actor') {
        tell(event);
        return;
      }
      if (!this.isOn) return;
      if (event.type === '@xstate.event') this.#tellOfFailure(event, tell);
      if (!this.watches(event.actorRef)) return;
      const isToldAlready = event.type === '@xstate.snapshot' && this.#failures.has(event.snapshot as object);
      if (!isToldAlready) tell(event);
    };
  }

  /**
   * XState tells the parent of an actor that failed, but of the snapshot that it failed with only when the logic
   * returned it, not when it threw. So that is told here, before the parent is told; the same snapshot is not told of
   * once more.
   */
  #tellOfFailure(event: Doing, tell: SystemInternals['_sendInspectionEvent']): void {
    const failed = failedChild(event);
    if (failed === undefined || !this.watches(failed)) return;
    const snapshot = failed.getSnapshot() as object;
    this.#failures.add(snapshot);
    tell({ type: '@xstate.snapshot', actorRef: failed, event: event.event!, snapshot });
  }

  watches(actor: Identified): boolean {
    if (actor === this.#latest) return this.#isLatestWatched;
    if (actor === this.#former) return this.#isFormerWatched;
    return this.isOn && this.#ask(actor);
  }

  #ask(actor: Identified): boolean {
    const { sessionId } = actor;
    const isWatched = this.#inspectors.size > 0 || this.#watchers.some((watcher) => watcher.wants(sessionId));
    this.#former = this.#latest;
    this.#isFormerWatched = this.#isLatestWatched;
    this.#latest = actor;
    this.#isLatestWatched = isWatched;
    return isWatched;
  }

  #forgetAnswers(): void {
    this.#latest = undefined;
    this.#former = undefined;
  }

  watchesChildrenOf(parentId: string): boolean {
    if (!this.isOn) return false;
    if (this.#inspectors.size > 0) return true;
    return this.#watchers.some((watcher) => watcher.wantsChildrenOf(parentId));
  }

  watch(watcher: ActorWatcher): Watching {
    const subscription = this.#inspect((event) => {
      const { sessionId, _parent: parent } = event.actorRef as AnyActorRef;
      const isWanted =
        event.type === '@xstate.actor' ? watcher.wantsChildrenOf(parent?.sessionId) : watcher.wants(sessionId);
      if (isWanted) watcher.next(event);
    });
    this.#watchers = [...this.#watchers, watcher];
    this.#count();
    return {
      changed: () => this.#forgetAnswers(),
      end: () => {
        subscription.unsubscribe();
        this.#watchers = this.#watchers.filter((other) => other !== watcher);
        this.#count();
      },
    };
  }

  #count(): void {
    this.#forgetAnswers();
    this.isOn = this.#inspectors.size + this.#watchers.length > 0;
  }
}

/** The actor whose failure its parent is being told of. */
function failedChild({ actorRef, sourceRef, event }: Doing): AnyActorRef | undefined {
  if (event?.type.startsWith('xstate.error.actor.') !== true) return undefined;
  return sourceRef?._parent === actorRef ? sourceRef : undefined;
}
