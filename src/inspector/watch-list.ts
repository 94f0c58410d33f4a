/** Who watches which actors. */
import type { AnyActorRef } from 'xstate';
import { hasEnded } from './reading.ts';
import type { Viewer } from './viewer.ts';

interface Entry {
  readonly actor: AnyActorRef;
  readonly viewers: Set<Viewer>;
}

const nobody: ReadonlySet<Viewer> = new Set();

export class WatchList {
  /** By the sessionIds of the actors. */
  readonly #entries = new Map<string, Entry>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  has(sessionId: string): boolean {
    return this.#entries.has(sessionId);
  }

  viewersOf(sessionId: string): ReadonlySet<Viewer> {
    return this.#entries.get(sessionId)?.viewers ?? nobody;
  }

  add(viewer: Viewer, actor: AnyActorRef): void {
    const { sessionId } = actor;
    viewer.watched.set(sessionId, actor);
    let entry = this.#entries.get(sessionId);
    if (entry === undefined) this.#entries.set(sessionId, (entry = { actor, viewers: new Set() }));
    entry.viewers.add(viewer);
  }

  /** Answers with the actor when this was the last of its viewers. */
  remove(viewer: Viewer, sessionId: string): AnyActorRef | undefined {
    viewer.watched.delete(sessionId);
    viewer.unannounced.delete(sessionId);
    const entry = this.#entries.get(sessionId);
    if (entry === undefined || !entry.viewers.delete(viewer) || entry.viewers.size > 0) return undefined;
    this.#entries.delete(sessionId);
    return entry.actor;
  }

  /** Actors that have come to their end, which XState does not always tell of. */
  get ended(): readonly AnyActorRef[] {
    return [...this.#entries.values()].map(({ actor }) => actor).filter(hasEnded);
  }
}
