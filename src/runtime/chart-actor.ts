/**
 * The actor of a compiled chart: an XState actor without what most never need.
 *
 * XState's `Actor` constructor makes a mailbox, a set of observers, a map of
 * listeners, a scope with closures and a copy of its options for every actor:
 * more memory than all the rest that the runtime keeps for a connection, and
 * most of the time that a connection takes to be accepted. This class inherits
 * from `Actor.prototype` without running that constructor. What is rare is made
 * when it is asked for; what is done for each event knows that its logic is a
 * chart. All else is XState's: `subscribe`, `on`, `select`, `getSnapshot`, error
 * and completion. `test/runtime/chart-actor.test.ts` runs it beside
 * `createActor(logic)` and compares all that can be observed, and pins the
 * internals that it stands in for.
 *
 * It differs in three things on purpose. No inspection events are made while
 * nobody watches it, and {@link ChartActor.deliver} is then a plain call. What is
 * no event is refused, so that it is the sender who fails and not the actor. And
 * no failure leaves it unable to take the next event.
 */
import {
  Actor,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  type EventObject,
  type Observer,
} from 'xstate';
import { TroupeTypeError } from '../errors.ts';
import {
  runStep,
  tellChanged,
  tellMoved,
  tellTaken,
  type ChartHost,
  ChartSnapshot,
  type ChartLogic,
} from './chart-logic.ts';
import type { Configuration } from './compiled-chart.ts';
import { inspectionOf, type Inspection } from './inspection.ts';

/** As XState numbers it. */
const NOT_STARTED = 0;
const RUNNING = 1;
const STOPPED = 2;

const STOP: EventObject = { type: 'xstate.stop' };

/** The internals of XState's system that `Actor` uses itself. */
interface SystemInternals {
  readonly _clock: unknown;
  readonly _logger: unknown;
  readonly scheduler: { cancelAll(actor: unknown): void };
  _bookId(): string;
  _register(sessionId: string, actor: unknown): void;
  _unregister(actor: unknown): void;
  _relay(source: unknown, target: unknown, event: EventObject): void;
  _sendInspectionEvent(event: object): void;
}

type Replaced = 'id' | 'logic' | 'src' | 'sessionId' | 'system' | 'send' | 'start' | 'stop' | '_parent';
type Rare = 'clock' | 'options' | 'ref' | 'systemId';

/** What is taken from XState's `Actor` as it is. */
interface Inherited<Logic extends AnyActorLogic> extends Omit<Actor<Logic>, Replaced | Rare> {
  _send(event: EventObject): void;
  _error(error: unknown): void;
  /** Tells observers, inspectors and, at the end, the parent of a new snapshot. */
  update(snapshot: unknown, event: EventObject): void;
  _complete(): void;
}

/** `Actor` with a constructor that does nothing. */
const Bare = function bare() {} as unknown as abstract new <Logic extends AnyActorLogic>() => Inherited<Logic>;
Object.defineProperty(Bare, 'prototype', { value: Actor.prototype });

/** An event in a list; the first one knows the last. */
interface Waiting<Event> {
  readonly event: Event;
  next: Waiting<Event> | undefined;
  last: Waiting<Event> | undefined;
}

export interface ChartActorOptions<Host> {
  readonly parent: AnyActorRef;
  readonly id: string;
  readonly src: string;
  readonly input: Host;
}

export class ChartActor<Host extends ChartHost, Event extends EventObject> extends Bare<ChartLogic<Host, Event>> {
  // First what each message touches, side by side: with thousands of connections none of it is in the processor's cache.
  readonly logic: ChartLogic<Host, Event>;
  /** @internal */
  _processingStatus = NOT_STARTED;
  /** The active states; undefined while it is made. Of its snapshot nothing else ever changes, but at its end. */
  configuration: Configuration<Host, Event>;
  readonly #host: Host;
  readonly #inspection: Inspection;
  /** What becomes of an event: taken `next`; `later`, as another is being taken; `none` is before the start. */
  #intake: 'none' | 'next' | 'later' = 'none';
  /** What waits: mostly one event, seldom more. */
  #next: Event | undefined;
  #more: Waiting<Event> | undefined;
  #observers: Set<Observer<unknown>> | undefined;
  /** It has ended as its states do not say: stopped, or failed. */
  #isCutOff = false;
  /** The latest snapshot that somebody asked for. */
  #snapshot: ChartSnapshot<Host, Event> | undefined;
  #listeners: Map<string, Set<unknown>> | undefined;
  readonly id: string;
  readonly src: string;
  readonly sessionId: string;
  readonly system: AnyActorRef['system'];
  readonly _parent: AnyActorRef;

  constructor(logic: ChartLogic<Host, Event>, { parent, id, src, input }: ChartActorOptions<Host>) {
    super();
    this.logic = logic;
    this.id = id;
    this.src = src;
    this.system = parent.system;
    this._parent = parent;
    this.#inspection = inspectionOf(parent.system);
    this.sessionId = this.#internals._bookId();
    // Before there is a snapshot, as XState does it: the host does not know its actor yet.
    if (this.#inspection.watchesChildrenOf(parent.sessionId))
      this.#internals._sendInspectionEvent({ type: '@xstate.actor', actorRef: this });
    this.#host = input;
    this.configuration = logic.chart.initial.next;
  }

  /** @internal Made when it is asked for: mostly nobody wants to know between two events. */
  get _snapshot(): ChartSnapshot<Host, Event> {
    const latest = this.#snapshot;
    // As in XState: while an actor is made, inspectors are told of it, and it has no snapshot.
    if ((this.configuration as unknown) === undefined) return undefined as never;
    if (latest !== undefined && (this.#isCutOff || latest.configuration === this.configuration)) return latest;
    return (this.#snapshot = new ChartSnapshot(this.configuration, this.#host));
  }

  /** @internal */
  set _snapshot(snapshot: ChartSnapshot<Host, Event>) {
    this.#snapshot = snapshot;
    this.configuration = snapshot.configuration;
    this.#isCutOff = snapshot.status !== snapshot.configuration.status;
  }

  /** Whether the status of its snapshot is `active`. */
  get isActive(): boolean {
    return !this.#isCutOff && this.configuration.status === 'active';
  }

  /** Sends an event to it; may be taken from it, as that of every XState actor. */
  get send(): (event: Event) => void {
    const send = (event: Event): void => {
      // XState's own events come from XState alone: this one might be stopped for good, and its connection stay behind.
      if (typeof event?.type === 'string' && event.type.startsWith('xstate.'))
        throw new TroupeTypeError('TROUPE_EVENT_REFUSED', { actor: this.id });
      Actor.prototype.send.call(this, event);
    };
    Object.defineProperty(this, 'send', { value: send, writable: true, configurable: true, enumerable: true });
    return send;
  }

  /** As `send`, for the runtime itself: passes by inspectors if there are any. */
  deliver(event: Event): void {
    if (this.#isInspected) this.#internals._relay(undefined, this, event);
    else this._send(event);
  }

  /** Stops an actor that was created with this one as its parent. */
  stopChild(child: AnyActorRef): void {
    if (child._parent !== (this as unknown)) throw new Error(`"${child.id}" is no child of "${this.id}"`);
    (child as unknown as { _stop(): void })._stop();
  }

  start(): this {
    if (this._processingStatus === RUNNING) return this;
    const { _snapshot: snapshot } = this;
    this.#internals._register(this.sessionId, this);
    this._processingStatus = RUNNING;
    const event = { type: 'xstate.init', input: snapshot.context } as EventObject as Event;
    if (this.#isInspected) {
      this.#internals._sendInspectionEvent({
        type: '@xstate.event',
        sourceRef: this._parent,
        actorRef: this,
        event,
      });
    }
    if (snapshot.status === 'done') {
      this.update(snapshot, event);
      return this;
    }
    if (snapshot.error !== undefined) {
      this._error(snapshot.error);
      return this;
    }
    this.#intake = 'none';
    this.logic.start?.(snapshot, undefined as never);
    this.#settle(event);
    this.#takeWaiting();
    return this;
  }

  stop(): never {
    throw new Error('A non-root actor cannot be stopped directly.');
  }

  /** @internal */
  override _send(event: Event): void {
    if (typeof event?.type !== 'string' || event.type === '*')
      throw new TroupeTypeError('TROUPE_EVENT_REFUSED', { actor: this.id });
    if (this._processingStatus === STOPPED) {
      // XState's warns of it in development.
      super._send(event);
      return;
    }
    if (this.#next === undefined) this.#next = event;
    else this.#keep(event);
    if (this.#intake === 'next') this.#takeWaiting();
  }

  /** @internal */
  _stop(): this {
    if (this._processingStatus === STOPPED) return this;
    this.#more = undefined;
    if (this._processingStatus === RUNNING) {
      // What was sent before the start is the first in XState's mailbox, and as such not taken out any more.
      if (this.#intake === 'later') this.#next = undefined;
      this._send(STOP as Event);
    } else {
      this._processingStatus = STOPPED;
    }
    return this;
  }

  /** @internal */
  _stopProcedure(): this {
    if (this._processingStatus !== RUNNING) return this;
    this.#internals.scheduler.cancelAll(this);
    this.#next = undefined;
    this.#more = undefined;
    this._processingStatus = STOPPED;
    this.#internals._unregister(this);
    return this;
  }

  // What XState makes for every actor in advance.

  /** @internal */
  get observers(): Set<Observer<unknown>> {
    return (this.#observers ??= new Set());
  }

  /** @internal */
  get eventListeners(): Map<string, Set<unknown>> {
    return (this.#listeners ??= new Map());
  }

  /** @internal Effects that wait for the snapshot: an actor of this kind carries them out itself. */
  get _deferred(): readonly [] {
    return [];
  }

  get options(): ChartActorOptions<Host> {
    return { parent: this._parent, id: this.id, src: this.src, input: this.#host };
  }

  get ref(): this {
    return this;
  }

  get clock(): unknown {
    return this.#internals._clock;
  }

  get logger(): unknown {
    return this.#internals._logger;
  }

  get #isInspected(): boolean {
    return this.#inspection.watches(this);
  }

  get #internals(): SystemInternals {
    return this.system as unknown as SystemInternals;
  }

  #takeWaiting(): void {
    this.#intake = 'later';
    try {
      while (this.#next !== undefined) {
        const event = this.#next;
        this.#next = undefined;
        if (this.#more !== undefined) this.#next = this.#shift(this.#more);
        this.#take(event);
      }
    } finally {
      // Also when the stack is used up: XState's mailbox would take nothing any more.
      this.#intake = 'next';
    }
  }

  #keep(event: Event): void {
    const waiting: Waiting<Event> = { event, next: undefined, last: undefined };
    if (this.#more === undefined) this.#more = waiting;
    else (this.#more.last ?? this.#more).next = waiting;
    this.#more.last = waiting;
  }

  #shift({ event, next, last }: Waiting<Event>): Event {
    if (next !== undefined) next.last = last;
    this.#more = next;
    return event;
  }

  #take(event: Event): void {
    const { type } = event;
    if (type.startsWith('xstate.')) {
      this._snapshot = this.logic.transition(this._snapshot, event, AT_ONCE);
      this.#settle(event);
      if (type === STOP.type) {
        this._stopProcedure();
        this._complete();
      }
      return;
    }
    const { configuration } = this;
    const host = this.#host;
    let step;
    try {
      step = this.logic.chart.step(configuration, event, host);
    } catch (error) {
      // As XState does it: without the prototype.
      this._snapshot = Object.assign({}, this._snapshot, { status: 'error' as const, error }) as never;
      this._error(error);
      return;
    }
    if (step.next !== configuration) {
      this.configuration = step.next;
      // As with XState, where each snapshot is made of the one before: what was stopped may still take what it was sent.
      if (this.#isCutOff) this.#isCutOff = false;
    }
    if (this.#isInspected) tellTaken(this as never, step.transitions, this._snapshot, event);
    if (step.next !== configuration && host.isWatched === true) tellChanged(host, event);
    if (step.transitions.length > 0 && host.isTraced === true) tellMoved(host, event, step.transitions);
    if (step.actions.length > 0) runStep(step, host, event);
    this.#settle(event);
  }

  /** Tells of the snapshot that is in place, if there is anybody to tell. */
  #settle(event: Event): void {
    const isQuiet = this.#observers === undefined && !this.#isInspected && this.isActive;
    if (!isQuiet) this.update(this._snapshot, event);
  }
}

/** The scope of a transition whose effects need not wait: the snapshot stays the same. */
const AT_ONCE = { defer: (effect: () => void) => effect() } as AnyActorScope;
