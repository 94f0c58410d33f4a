/**
 * Knows who inspects a system, and which of its actors.
 *
 * XState makes an inspection event for whatever happens and then finds that
 * nobody listens. Actors of the runtime ask first: with the inspector detached
 * they make none, and their events need not pass `system._relay`, which does
 * nothing else than to tell of them. Attached and detached at any time.
 *
 * XState's `inspect` tells an inspector of everything. One that watches some
 * actors only, {@link watchActors}, leaves a mark on them, so that the others
 * pay for it no more than to look for one.
 */
import type { AnyActorRef, EventObject, InspectionEvent } from 'xstate';

type System = AnyActorRef['system'];

/** On an actor that is watched: by how many watchers. It is asked for some ten times an event, so it is no look-up. */
const WATCHERS = Symbol('watchers');

/** An actor, as far as it is watched. */
interface Watchable {
  [WATCHERS]?: number;
}

/** What actors ask. */
export interface Inspection {
  /** Whether anybody inspects at all. */
  readonly isOn: boolean;
  /** Whether anybody wants to be told what this actor does. */
  watches(actor: object): boolean;
  /** Whether anybody wants to be told of actors that this parent starts. */
  watchesChildrenOf(parentId: string): boolean;
}

/** One that inspects some actors. */
export interface ActorWatcher {
  /** Whether it wants to know of actors that this parent starts. */
  wantsChildrenOf(parentId: string | undefined): boolean;
  /** Takes what it wanted. */
  next(event: InspectionEvent): void;
}

/** What a watcher holds while it watches. */
export interface Watching {
  /** It wants to know from now on what `actor` does. */
  add(actor: AnyActorRef): void;
  /** It does no longer. */
  remove(actor: AnyActorRef): void;
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
  isOn = false;
  #seesAll = false;
  /** Those that are told of everything. */
  readonly #inspectors = new Set<object>();
  #watchers: readonly ActorWatcher[] = [];
  readonly #inspect: System['inspect'];
  /** Snapshots of actors that failed, as far as they were told of. */
  readonly #failures = new WeakSet<object>();

  constructor(system: System, isInspected: boolean) {
    if (isInspected) this.#inspectors.add(this);
    this.#count();
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
    const snapshot: unknown = failed.getSnapshot();
    if (!isFailure(snapshot)) return;
    this.#failures.add(snapshot);
    tell({ type: '@xstate.snapshot', actorRef: failed, event: event.event!, snapshot });
  }

  watches(actor: object): boolean {
    return this.#seesAll || watchersOf(actor) > 0;
  }

  watchesChildrenOf(parentId: string): boolean {
    return this.#seesAll || this.#watchers.some((watcher) => watcher.wantsChildrenOf(parentId));
  }

  watch(watcher: ActorWatcher): Watching {
    const watched = new Set<AnyActorRef>();
    const subscription = this.#inspect((event) => {
      const actor = event.actorRef as AnyActorRef;
      const isWanted =
        event.type === '@xstate.actor' ? watcher.wantsChildrenOf(actor._parent?.sessionId) : watched.has(actor);
      if (isWanted) watcher.next(event);
    });
    this.#watchers = [...this.#watchers, watcher];
    this.#count();
    return {
      add: (actor) => {
        if (watched.has(actor)) return;
        watched.add(actor);
        mark(actor, 1);
      },
      remove: (actor) => {
        if (watched.delete(actor)) mark(actor, -1);
      },
      end: () => {
        subscription.unsubscribe();
        for (const actor of watched) mark(actor, -1);
        watched.clear();
        this.#watchers = this.#watchers.filter((other) => other !== watcher);
        this.#count();
      },
    };
  }

  #count(): void {
    this.#seesAll = this.#inspectors.size > 0;
    this.isOn = this.#seesAll || this.#watchers.length > 0;
  }
}

function watchersOf(actor: object): number {
  return (actor as Watchable)[WATCHERS] ?? 0;
}

function mark(actor: object, by: 1 | -1): void {
  (actor as Watchable)[WATCHERS] = watchersOf(actor) + by;
}

/** The actor whose failure its parent is being told of, it seems: what users' code sends may be anything. */
function failedChild({ actorRef, sourceRef, event }: Doing): AnyActorRef | undefined {
  if (sourceRef === undefined || sourceRef._parent !== actorRef) return undefined;
  try {
    const type: unknown = event?.type;
    return typeof type === 'string' && type.startsWith('xstate.error.actor.') ? sourceRef : undefined;
  } catch {
    return undefined;
  }
}

function isFailure(snapshot: unknown): snapshot is object {
  try {
    return (snapshot as { readonly status?: unknown } | null | undefined)?.status === 'error';
  } catch {
    return false;
  }
}
