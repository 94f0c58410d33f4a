/**
 * What users hold of shared state: a reference like that of any XState actor, which stays valid when another actor takes
 * the place of one that failed.
 *
 * Each connection has a face of its own. What is subscribed to on it ends with the connection, and fails it alone. It
 * has no enumerable property, so that XState keeps it as it is when it writes down a context that it stands in.
 */
import { Actor, toObserver, type AnyActorRef, type EventObject, type Observer, type Subscription } from 'xstate';
import type { SharedReceiver } from '../service/bound-service.ts';
import { onRejected } from '../thenable.ts';
import { ownLogic } from './own-logic.ts';

/** What a face shows. */
export interface Faced {
  /** The actor that is running, or the last one that was. */
  readonly latest: AnyActorRef;
  /** Whether no actor will run any more. */
  readonly isOver: boolean;
  readonly hearings: Set<Hearing>;
  take(event: EventObject, source: AnyActorRef | undefined): void;
}

/** Whose face it is. */
export interface FaceOwner {
  /** It is to be told nothing any more. */
  readonly isOver: boolean;
  /** What it had subscribed threw or rejected. */
  failed(error: unknown, hearing: Hearing): void;
}

interface Told {
  readonly next?: ((value: never) => unknown) | undefined;
  readonly complete?: (() => unknown) | undefined;
  readonly emitted?: ((event: EventObject) => unknown) | undefined;
}

/** One subscription. */
export class Hearing implements Subscription {
  readonly #owner: FaceOwner;
  readonly #told: Told;
  readonly #places: readonly Set<Hearing>[];
  #isOver = false;

  constructor(owner: FaceOwner, told: Told, places: readonly Set<Hearing>[]) {
    this.#owner = owner;
    this.#told = told;
    this.#places = places;
    for (const place of places) place.add(this);
  }

  tell(what: keyof Told, value?: unknown): void {
    if (this.#isOver || this.#owner.isOver) return;
    try {
      onRejected(this.#told[what]?.(value as never), (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  unsubscribe(): void {
    this.#isOver = true;
    for (const place of this.#places) place.delete(this);
  }

  #failed(error: unknown): void {
    this.#owner.failed(error, this);
  }
}

/** By which `isolation.ts` knows a face among the actors that are sent to. */
const FACE = ownLogic({});

/** Whether `target` is a face; what is sent to it goes to the actor behind it. */
export function isFace(target: unknown): target is SharedReceiver {
  return target instanceof SharedFace;
}

export class SharedFace implements SharedReceiver {
  readonly #shared: Faced;
  readonly #owner: FaceOwner;
  /** Those of this face: kept apart, so that they can be ended at once. */
  readonly #hearings = new Set<Hearing>();

  constructor(shared: Faced, owner: FaceOwner) {
    this.#shared = shared;
    this.#owner = owner;
  }

  send(event: EventObject): void {
    this.#shared.take(event, undefined);
  }

  receive(source: AnyActorRef, event: EventObject): void {
    this.#shared.take(event, source);
  }

  getSnapshot(): unknown {
    return this.#shared.latest.getSnapshot();
  }

  getPersistedSnapshot(): unknown {
    return this.#shared.latest.getPersistedSnapshot();
  }

  subscribe(
    listener?: Observer<unknown> | ((snapshot: unknown) => void),
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription {
    const { next, complete: completed } = toObserver(listener as Observer<unknown>, error, complete);
    const hearing = this.#hear({ next, complete: completed });
    if (this.#shared.isOver) {
      hearing.tell('complete');
      hearing.unsubscribe();
    }
    return hearing;
  }

  on(type: string, handler: (event: EventObject) => unknown): Subscription {
    return this.#hear({ emitted: (event) => (type === '*' || event.type === type ? handler(event) : undefined) });
  }

  /** XState's own: it asks for nothing but `subscribe` and `getSnapshot`. */
  select(...args: Parameters<AnyActorRef['select']>): unknown {
    return Actor.prototype.select.apply(this as never, args as never);
  }

  /** Ends what was subscribed to on it. */
  end(): void {
    for (const hearing of [...this.#hearings]) hearing.unsubscribe();
  }

  start(): never {
    throw new Error('Shared state is started with its service.');
  }

  stop(): never {
    throw new Error('Shared state cannot be stopped: it stops with its service.');
  }

  get id(): string {
    return this.#shared.latest.id;
  }

  get sessionId(): string {
    return this.#shared.latest.sessionId;
  }

  get src(): unknown {
    return this.#shared.latest.src;
  }

  get system(): unknown {
    return this.#shared.latest.system;
  }

  get _parent(): AnyActorRef | undefined {
    return this.#shared.latest._parent;
  }

  get logic(): object {
    return FACE;
  }

  get [Symbol.toStringTag](): string {
    return 'Shared';
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.id };
  }

  #hear(told: Told): Hearing {
    const hearing = new Hearing(this.#owner, told, [this.#shared.hearings, this.#hearings]);
    // A connection that has ended is told nothing.
    if (this.#owner.isOver) hearing.unsubscribe();
    return hearing;
  }
}
