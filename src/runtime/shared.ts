/**
 * The state that the connections of one live service share: what its chart acts upon.
 *
 * `machines/shared.ts` decides when an actor of the user's logic begins and when another one takes its place; this makes
 * it, isolates it, and hands it what is sent, one event after the other. Users hold faces of it (`shared-face.ts`), never
 * the actor itself.
 */
import { createActor, type AnyActorRef, type EventFromLogic, type EventObject, type Snapshot } from 'xstate';
import { sharedMachine } from '../../machines/shared.ts';
import { TroupeTypeError } from '../errors.ts';
import { bindToShared, releaseFromShared, type BoundShared } from '../service/bound-service.ts';
import { isMachine } from '../service/machine.ts';
import type { SharedRules } from '../service/shared.ts';
import { resolveSupervision, type Supervision } from '../service/supervision.ts';
import { Lately, waitAfter } from './back-off.ts';
import { ChartActor } from './chart-actor.ts';
import { chartLogic, type ChartHost } from './chart-logic.ts';
import { compileChart } from './compiled-chart.ts';
import type { LiveConnection } from './connection.ts';
import { expectRoomToClose } from './headroom.ts';
import { stopDescendants } from './isolation.ts';
import { beginDelays, lastGoodSnapshot } from './machine-snapshot.ts';
import type { LiveService } from './service.ts';
import { SharedFace, type Faced, type Hearing } from './shared-face.ts';
import { SharedFunctions } from './shared-functions.ts';
import { Deadline } from './timer-wheel.ts';

type SharedEvent = EventFromLogic<typeof sharedMachine>;
type DeadReason = 'full' | 'ended' | 'stopped';

/** What was sent and is not taken yet. */
interface Sent {
  readonly event: EventObject;
  readonly source: AnyActorRef | undefined;
}

interface RelayingSystem {
  _relay(source: unknown, target: unknown, event: EventObject): void;
}

/** How many events wait at most while no actor takes them. */
const MOST_WAITING = 1000;
/** How many are taken before all others get a turn: an observer may answer each with the next. */
const MOST_AT_ONCE = 1000;

export class LiveShared extends SharedFunctions implements ChartHost, BoundShared, Faced {
  readonly actor;
  readonly hearings = new Set<Hearing>();
  /** For the embedding program. */
  readonly outside: SharedFace;
  readonly #rules: SharedRules;
  readonly #supervision: Supervision;
  readonly #crashes: Lately;
  readonly #faces = new WeakMap<LiveConnection, SharedFace>();
  readonly #waiting: Sent[] = [];
  #latest: AnyActorRef | undefined;
  /** The actor that takes events, if there is one. */
  #running: AnyActorRef | undefined;
  /** An actor begins, or takes an event: what is sent meanwhile is its turn afterwards. */
  #isBusy = false;
  /** What the running actor is doing, if it is not doing something of its own accord. */
  #during: string | undefined;
  #kept: Snapshot<unknown> | undefined;
  /** Whether it failed of its own accord the last time, and went on from a snapshot. */
  #isDoubtful = false;
  #restarts = 0;
  #deadline: Deadline | undefined;

  constructor(live: LiveService, rules: SharedRules) {
    super(live);
    this.#rules = rules;
    this.#supervision = resolveSupervision(live.definition.options.supervision ?? {});
    const { restarts, withinMs } = this.#supervision.restartLimit;
    this.#crashes = new Lately(restarts, withinMs);
    this.outside = new SharedFace(this, {
      isOver: false,
      failed: (error) => this.#emitFailure('an observer of the shared state', error),
    });
    this.actor = new ChartActor(sharedLogic, { parent: live.actor, id: 'shared', src: 'shared', input: this });
  }

  /** The face that `connection` has: the same one each time. */
  faceOf(connection: LiveConnection): SharedFace {
    let face = this.#faces.get(connection);
    if (face === undefined) {
      face = new SharedFace(this, {
        get isOver() {
          return !connection.isOpen;
        },
        failed: (error, hearing) => {
          // Or it would fail again with each change, should the service go on for its connection.
          hearing.unsubscribe();
          // Not on the stack of whoever has sent something: that may be another connection.
          this.live.realm.turns.after(() => connection.failed(error, 'shared'));
        },
      });
      this.#faces.set(connection, face);
    }
    return face;
  }

  /** What `connection` has subscribed to ends; it may subscribe anew. */
  release(connection: LiveConnection): void {
    this.#faces.get(connection)?.end();
  }

  // What its faces ask of it.

  get latest(): AnyActorRef {
    return this.#latest!;
  }

  get isOver(): boolean {
    return this.#deadReason !== undefined;
  }

  take(event: EventObject, source: AnyActorRef | undefined): void {
    // XState's own events come from XState alone: this one might be stopped for good.
    if (typeof event?.type !== 'string' || event.type === '*' || event.type.startsWith('xstate.'))
      throw new TroupeTypeError('TROUPE_EVENT_REFUSED', { actor: 'shared' });
    expectRoomToClose();
    const reason = this.#deadReason ?? (this.#waiting.length >= MOST_WAITING ? 'full' : undefined);
    if (reason !== undefined) {
      this.#drop(event, reason);
      return;
    }
    this.#waiting.push({ event, source });
    if (!this.#isBusy) this.#takeWaiting();
  }

  // What the service asks of it.

  /** How often it has failed lately, the last time included. */
  get crashesLately(): number {
    return this.#crashes.countAt(this.#now) + 1;
  }

  recover(): void {
    this.#crashes.clear();
    this.actor.deliver({ type: 'recovery.begun' });
  }

  stop(): void {
    this.actor.deliver({ type: 'stop.requested' });
  }

  // What its chart needs.

  get mayRestart(): boolean {
    return !this.#crashes.isFullAt(this.#now);
  }

  beginActor(): void {
    this.#isBusy = true;
    this.#during = 'start';
    const snapshot = this.#kept;
    this.#kept = undefined;
    if (this.#latest !== undefined) this.#reportRestarted(snapshot === undefined ? 'start' : 'snapshot');
    try {
      this.live.realm.turns.during(() => this.#begin(snapshot));
    } catch (error) {
      this.#crashed(this.#running, error);
    }
    this.#during = undefined;
    this.#isBusy = false;
    this.#takeWaiting();
  }

  scheduleRestart(): void {
    const now = this.#now;
    this.#crashes.note(now);
    this.#deadline ??= new Deadline(this.live.realm.wheel, () => this.actor.deliver({ type: 'restart.due' }));
    this.#deadline.set(waitAfter(this.#crashes.countAt(now), this.#supervision.backoff));
  }

  cancelRestart(): void {
    this.#deadline?.cancel();
  }

  failService(): void {
    this.live.actor.deliver({ type: 'shared.failed' });
  }

  stopActor(): void {
    const actor = this.#running;
    if (actor === undefined) return;
    this.#running = undefined;
    releaseFromShared(actor);
    this.live.realm.turns.during(() => this.actor.stopChild(actor));
  }

  /** No actor will run any more. */
  end(): void {
    for (const { event } of this.#waiting.splice(0)) this.#drop(event, this.#deadReason ?? 'ended');
    this.#tell('complete');
    this.hearings.clear();
  }

  actionFailed(error: unknown, action: string): void {
    this.#emitFailure(`action "${action}" of the shared state`, error);
  }

  toJSON(): object {
    const { service, hearings } = this;
    return { service, waiting: this.#waiting.length, observers: hearings.size, restarts: this.#restarts };
  }

  /** An action of the actor rejected, or something that it had started failed later. */
  failed(error: unknown): void {
    this.#during ??= 'action';
    this.#crashed(this.#running, error);
    if (!this.#isBusy) this.#during = undefined;
  }

  #begin(snapshot: Snapshot<unknown> | undefined): void {
    const { logic, input } = this.#rules;
    const src = isMachine(logic) ? logic.id : 'shared';
    const actor: AnyActorRef = createActor(logic, {
      parent: this.actor,
      id: 'shared',
      src,
      input,
      ...(snapshot !== undefined && { snapshot }),
    });
    bindToShared(actor, this);
    this.#running = this.#latest = actor;
    actor.subscribe({
      next: (value: unknown) => this.#tell('next', value),
      error: (error) => this.#crashed(actor, error),
      complete: () => this.#completed(actor),
    });
    actor.on('*', (event: EventObject) => this.#tell('emitted', event));
    actor.start();
    if (snapshot !== undefined && isMachine(logic) && this.#running === actor) beginDelays(logic, actor);
  }

  #takeWaiting(): void {
    this.#isBusy = true;
    for (let taken = 0; this.#running !== undefined && this.#waiting.length > 0; taken++) {
      if (taken === MOST_AT_ONCE) {
        setImmediate(() => this.#takeWaiting());
        return;
      }
      this.#hand(this.#running, this.#waiting.shift()!);
    }
    this.#isBusy = false;
  }

  #hand(actor: AnyActorRef, { event, source }: Sent): void {
    this.#during = event.type;
    try {
      (actor.system as unknown as RelayingSystem)._relay(source, actor, event);
    } catch (error) {
      // Of a stack that was used up, say: its mailbox might take nothing any more.
      this.#crashed(actor, error);
    }
    this.#during = undefined;
  }

  #crashed(actor: AnyActorRef | undefined, error: unknown): void {
    // Also what begins may fail before there is an actor; what has a successor fails in vain.
    if (actor !== this.#running) return;
    const during = this.#during ?? 'machine';
    const snapshot = actor?.getSnapshot() as { readonly value?: unknown } | undefined;
    const state = isMachine(this.#rules.logic) ? snapshot?.value : undefined;
    this.#running = undefined;
    if (actor !== undefined) this.#halt(actor);
    this.live.realm.events.emit('shared.crashed', { service: this.service, state, during, error });
    this.actor.deliver({ type: 'actor.failed' });
  }

  /** Stops what has failed; what it was is kept for its successor, where that is wanted and can be. */
  #halt(actor: AnyActorRef): void {
    const { logic, restartFrom = this.#supervision.restartFrom } = this.#rules;
    // What it does of its own accord it does again from the same snapshot: once more, but not for ever.
    const isOwn = this.#during === undefined;
    const isKept = restartFrom === 'snapshot' && this.#during !== 'start' && !(isOwn && this.#isDoubtful);
    this.#kept = isKept ? lastGoodSnapshot(logic, actor) : undefined;
    this.#isDoubtful = isOwn && this.#kept !== undefined;
    releaseFromShared(actor);
    const { status } = actor.getSnapshot() as { readonly status?: unknown };
    if (status === 'error') stopDescendants(actor);
    else this.actor.stopChild(actor);
  }

  #completed(actor: AnyActorRef): void {
    if (actor !== this.#running) return;
    this.#running = undefined;
    this.actor.deliver({ type: 'actor.ended' });
  }

  #tell(what: 'next' | 'complete' | 'emitted', value?: unknown): void {
    if (this.hearings.size === 0) return;
    this.live.realm.turns.during(() => {
      for (const hearing of [...this.hearings]) hearing.tell(what, value);
    });
  }

  #drop(event: EventObject, reason: DeadReason): void {
    const { events } = this.live.realm;
    if (events.has('shared.dead-lettered'))
      events.emit('shared.dead-lettered', { service: this.service, event: event.type, reason });
  }

  #reportRestarted(from: 'start' | 'snapshot'): void {
    const { events } = this.live.realm;
    this.#restarts++;
    if (events.has('shared.restarted'))
      events.emit('shared.restarted', { service: this.service, from, restarts: this.#restarts });
  }

  #emitFailure(callback: string, error: unknown): void {
    this.live.realm.events.emit('callback.failed', { callback: `${callback} of service "${this.service}"`, error });
  }

  /** Why nothing is taken any more, if so. */
  get #deadReason(): DeadReason | undefined {
    switch (this.actor.getSnapshot().value) {
      case 'ended':
        return 'ended';
      case 'stopped':
        return 'stopped';
      default:
        return undefined;
    }
  }

  get #now(): number {
    return this.live.realm.clock.now();
  }
}

const sharedLogic = chartLogic(
  compileChart<LiveShared, SharedEvent>(sharedMachine, {
    actions: {
      beginActor: (shared) => shared.beginActor(),
      scheduleRestart: (shared) => shared.scheduleRestart(),
      cancelRestart: (shared) => shared.cancelRestart(),
      failService: (shared) => shared.failService(),
      stopActor: (shared) => shared.stopActor(),
      end: (shared) => shared.end(),
    },
    guards: {
      mayRestart: (shared) => shared.mayRestart,
    },
  }),
);
