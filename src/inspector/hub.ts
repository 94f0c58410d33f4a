/**
 * Tells viewers what the actors do.
 *
 * Theory of operation
 *
 * While nobody watches an actor the hub listens to none: the actor system then makes no inspection events, and nothing
 * costs anything. While somebody does, the runtime asks by an actor's sessionId before it makes an event, and only what
 * a viewer watches, and has room for, is made and described; once for all viewers.
 *
 * Describing runs in the middle of the actors' work, and what it looks at is the users' own. It is bounded in size, and
 * here in time: when it has taken too large a share of a second, events are dropped until the next one.
 */
import { randomUUID } from 'node:crypto';
import type { AnyActorRef, InspectedEventEvent, InspectedSnapshotEvent, InspectionEvent } from 'xstate';
import type { Clock } from '../runtime/clock.ts';
import { Answers, MAX_WATCHED } from './answers.ts';
import { actorsOf, everyConnection, serverActors } from './find.ts';
import { activeStates, edgesOf, type ChartTransition } from './graph.ts';
import { overhearIncidents } from './incidents.ts';
import { MAX_LIST_ITEMS } from './lists.ts';
import type { InspectorSettings } from './options.ts';
import { Overview } from './overview.ts';
import type { HelloFrame, MicrostepFrame, StatelyFrame } from './protocol.ts';
import { chartOf, hasEnded } from './reading.ts';
import type { InspectedWatcher, InspectorSource } from './source.ts';
import { encode, StatelyWire } from './stately-wire.ts';
import { Steps } from './steps.ts';
import { Viewer, type ViewerLink } from './viewer.ts';

export interface HubSetting extends Omit<InspectorSettings, 'admission'> {
  readonly source: InspectorSource;
  readonly clock: Clock;
}

type Microstep = Extract<InspectionEvent, { readonly type: '@xstate.microstep' }>;
/** What viewers are told of one actor's doings. */
type Doing = InspectedEventEvent | InspectedSnapshotEvent | Microstep;

export const MAX_VIEWERS = 16;
/** How many actors a viewer is told of that cannot ask. */
export const MAX_ANNOUNCED = 200;
/** How much of a second describing may take, in ms. */
const BUSY_MS = 200;
const SECOND_MS = 1000;
const GOING_AWAY = 1001;

/** How the hub hears of a viewer. */
export interface Seat {
  /** The viewer has sent `text`. */
  said(text: string): void;
  left(): void;
}

export class Hub implements InspectedWatcher {
  readonly #setting: HubSetting;
  readonly #wire: StatelyWire;
  readonly #overview: Overview;
  readonly #id = randomUUID();
  readonly #viewers = new Set<Viewer>();
  /** Who watches an actor, by its sessionId. */
  readonly #watchers = new Map<string, Set<Viewer>>();
  readonly #steps = new Steps();
  #stopInspecting: (() => void) | undefined;
  #stopOverhearing: (() => void) | undefined;
  /** How long describing has taken since then. */
  #busyMs = 0;
  #busySince = 0;

  constructor(setting: HubSetting) {
    const { source, redaction, clock } = setting;
    this.#setting = setting;
    this.#wire = new StatelyWire({
      redaction,
      rootId: source.supervisor.sessionId,
      ownContext: (actor) => this.#ownContext(actor),
      now: Date.now,
    });
    this.#overview = new Overview({
      source,
      clock,
      viewers: () => this.#viewers.size,
      tell: (overview) => {
        const text = encode(overview);
        for (const viewer of this.#viewers) if (viewer.isExtended) viewer.send(text);
      },
    });
  }

  get isFull(): boolean {
    return this.#viewers.size >= MAX_VIEWERS;
  }

  /** How many look. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** A viewer has come. */
  welcome(link: ViewerLink, isExtended: boolean): Seat {
    const { clock, maxEventsPerSecond, source, allowActions } = this.#setting;
    const retell = (viewer: Viewer, actor: AnyActorRef): void => this.#announce(viewer, actor);
    const viewer = new Viewer({ link, isExtended, maxEventsPerSecond, clock, retell });
    this.#viewers.add(viewer);
    const answers = new Answers({
      source,
      viewer,
      allowActions,
      watch: (viewer, actor) => this.#watch(viewer, actor),
      unwatch: (viewer, sessionId) => this.#unwatch(viewer, sessionId),
    });
    try {
      if (isExtended) this.#greet(viewer);
      else this.#replay(viewer);
    } catch (error) {
      // Nobody would ever say that it has left.
      this.#forget(viewer);
      throw error;
    }
    return {
      said: (text) => {
        if (isExtended && !viewer.isGone) answers.take(text);
      },
      left: () => this.#forget(viewer),
    };
  }

  /** Sends all viewers away. */
  stop(): void {
    for (const viewer of [...this.#viewers]) {
      viewer.close(GOING_AWAY, 'the server stops');
      this.#forget(viewer);
    }
  }

  #greet(viewer: Viewer): void {
    const { source, allowActions, maxEventsPerSecond, redaction } = this.#setting;
    const { supervisor, server, names, groups } = source;
    const hello: HelloFrame = {
      type: 'troupe.hello',
      at: Date.now(),
      server: this.#id,
      allowActions,
      redact: typeof redaction === 'function' ? 'custom' : redaction,
      limits: { watchedActors: MAX_WATCHED, listItems: MAX_LIST_ITEMS, eventsPerSecond: maxEventsPerSecond },
      actors: {
        supervisor: supervisor.sessionId,
        server: server.sessionId,
        names: names.sessionId,
        groups: groups.sessionId,
      },
    };
    viewer.answer(hello);
    let left = MAX_LIST_ITEMS;
    for (const actor of serverActors(source)) if (left-- > 0) this.#announce(viewer, actor);
    this.#overhear();
    const overview = this.#overview.start();
    if (overview !== undefined) viewer.answer(overview);
  }

  /** Tells one that cannot ask of the actors that there are, up to a bound. */
  #replay(viewer: Viewer): void {
    const { source } = this.#setting;
    for (const actor of serverActors(source)) if (!this.#replayOne(viewer, actor)) return;
    for (const connection of everyConnection(source)) {
      for (const { actor } of actorsOf(connection)) if (!this.#replayOne(viewer, actor)) return;
    }
  }

  #replayOne(viewer: Viewer, actor: AnyActorRef): boolean {
    this.#watch(viewer, actor);
    return viewer.watched.size < MAX_ANNOUNCED && !viewer.isGone;
  }

  /** The bounds of events do not hold for it: a viewer asks for it, or is told of few actors in all. */
  #announce(viewer: Viewer, actor: AnyActorRef): void {
    viewer.send(encode(this.#wire.actor(actor)));
  }

  #watch(viewer: Viewer, actor: AnyActorRef): void {
    const { sessionId } = actor;
    this.#announce(viewer, actor);
    // What has ended is told of and does nothing more.
    if (hasEnded(actor)) return;
    this.#addWatcher(viewer, actor, sessionId);
  }

  #addWatcher(viewer: Viewer, actor: AnyActorRef, sessionId: string): void {
    // Cut as it was told of the actor.
    if (viewer.isGone) return;
    viewer.watched.set(sessionId, actor);
    let watchers = this.#watchers.get(sessionId);
    if (watchers === undefined) this.#steps.begin(actor);
    if (watchers === undefined) this.#watchers.set(sessionId, (watchers = new Set()));
    watchers.add(viewer);
    this.#stopInspecting ??= this.#setting.source.inspect(this);
  }

  #unwatch(viewer: Viewer, sessionId: string): void {
    viewer.watched.delete(sessionId);
    viewer.unannounced.delete(sessionId);
    const watchers = this.#watchers.get(sessionId);
    watchers?.delete(viewer);
    if (watchers?.size === 0) this.#watchers.delete(sessionId);
    this.#detachIfIdle();
  }

  #forget(viewer: Viewer): void {
    viewer.leave();
    if (!this.#viewers.delete(viewer)) return;
    for (const sessionId of [...viewer.watched.keys()]) this.#unwatch(viewer, sessionId);
    this.#detachIfIdle();
    if ([...this.#viewers].some(({ isExtended }) => isExtended)) return;
    this.#overview.stop();
    this.#stopOverhearing?.();
    this.#stopOverhearing = undefined;
  }

  /** Those that cannot ask wait for actors to come even when they are told of none. */
  #detachIfIdle(): void {
    if (this.#watchers.size > 0 || [...this.#viewers].some(({ isExtended }) => !isExtended)) return;
    this.#stopInspecting?.();
    this.#stopInspecting = undefined;
  }

  wants(sessionId: string): boolean {
    return this.#watchers.has(sessionId);
  }

  wantsChildrenOf(parentId: string | undefined): boolean {
    for (const viewer of this.#viewers) if (this.#tellsOfChildren(viewer, parentId)) return true;
    return false;
  }

  next(event: InspectionEvent): void {
    switch (event.type) {
      case '@xstate.actor':
        this.#meet(event.actorRef as AnyActorRef);
        break;
      case '@xstate.event':
      case '@xstate.snapshot':
      case '@xstate.microstep': {
        const { sessionId } = event.actorRef;
        const watchers = this.#watchers.get(sessionId);
        if (watchers === undefined) return;
        this.#tellAll(watchers, event);
        if (event.type === '@xstate.snapshot' && hasEnded(event.actorRef as AnyActorRef))
          this.#ended(watchers, sessionId);
        break;
      }
      default:
    }
  }

  /** An actor is being made. Its snapshot may not be looked at yet, so it is told of with the first that it does. */
  #meet(actor: AnyActorRef): void {
    const { sessionId } = actor;
    const parentId = actor._parent?.sessionId;
    for (const viewer of this.#viewers) {
      if (!this.#tellsOfChildren(viewer, parentId)) continue;
      if (viewer.isExtended) {
        if (viewer.hasRoom()) this.#announce(viewer, actor);
      } else {
        viewer.unannounced.add(sessionId);
        this.#addWatcher(viewer, actor, sessionId);
      }
    }
  }

  /** Of what a watched machine starts; not of the connections of a watched service, which may be very many. */
  #tellsOfChildren(viewer: Viewer, parentId: string | undefined): boolean {
    if (!viewer.isExtended) return viewer.watched.size < MAX_ANNOUNCED;
    return parentId !== undefined && viewer.watched.has(parentId) && !this.#isService(parentId);
  }

  #isService(sessionId: string): boolean {
    return this.#setting.source.services.some(({ actor }) => actor.sessionId === sessionId);
  }

  #tellAll(watchers: ReadonlySet<Viewer>, event: Doing): void {
    const actor = event.actorRef as AnyActorRef;
    const { sessionId } = actor;
    const isMicrostep = event.type === '@xstate.microstep';
    const step = this.#steps.numberOf(event);
    let text: string | undefined;
    for (const viewer of [...watchers]) {
      if (isMicrostep && !viewer.isExtended) continue;
      if (viewer.unannounced.delete(sessionId)) this.#announce(viewer, actor);
      if (this.#isBusy()) viewer.drop(sessionId);
      else if (viewer.hasRoom(sessionId))
        viewer.send((text ??= this.#timed(() => encode(this.#frameOf(event, actor, step)))));
    }
  }

  #frameOf(event: Doing, actor: AnyActorRef, step: number): StatelyFrame | MicrostepFrame {
    switch (event.type) {
      case '@xstate.event':
        return this.#wire.event(event, step);
      case '@xstate.snapshot':
        return this.#wire.snapshot(event, step);
      case '@xstate.microstep':
        return this.#microstep(event, actor, step);
    }
  }

  #microstep(told: Microstep, actor: AnyActorRef, step: number): MicrostepFrame {
    const { event, snapshot, _transitions: transitions } = told;
    const chart = chartOf(actor);
    const { value } = snapshot as { readonly value?: unknown };
    return {
      type: 'troupe.microstep',
      at: Date.now(),
      sessionId: actor.sessionId,
      step,
      event: this.#wire.eventOf(actor, event),
      edges: chart === undefined ? [] : edgesOf(chart, transitions as unknown as readonly ChartTransition[]),
      active: chart === undefined ? [] : activeStates(chart, value),
    };
  }

  #ended(watchers: ReadonlySet<Viewer>, sessionId: string): void {
    for (const viewer of [...watchers]) {
      this.#unwatch(viewer, sessionId);
      if (viewer.isExtended) viewer.answer({ type: 'troupe.ended', at: Date.now(), sessionId });
    }
  }

  /** Whether describing has taken its share of this second. */
  #isBusy(): boolean {
    const now = performance.now();
    if (now - this.#busySince >= SECOND_MS) {
      this.#busySince = now;
      this.#busyMs = 0;
    }
    return this.#busyMs >= BUSY_MS;
  }

  #timed<Result>(work: () => Result): Result {
    const begun = performance.now();
    try {
      return work();
    } finally {
      this.#busyMs += performance.now() - begun;
    }
  }

  /** What is shown as the context of the runtime's own actors: registries by their sizes. */
  #ownContext(actor: AnyActorRef): (() => unknown) | undefined {
    const { source } = this.#setting;
    if (!source.isOwn(actor)) return undefined;
    if (actor === source.names) return () => ({ names: source.storedNames.size });
    if (actor === source.groups) return () => ({ groups: source.allGroups.size });
    return () => (actor.getSnapshot() as { readonly context?: unknown } | undefined)?.context;
  }

  /** The sessionId of a connection's actor, if anybody watches that. */
  #sessionIdOf(connection: string): string | undefined {
    for (const { watched } of this.#viewers) {
      for (const { id, sessionId } of watched.values()) if (id === connection) return sessionId;
    }
    return undefined;
  }

  /** Hears of what goes wrong, for viewers that understand it. */
  #overhear(): void {
    if (this.#stopOverhearing !== undefined) return;
    const { source, redaction } = this.#setting;
    const endIncidents = overhearIncidents({
      source,
      redaction,
      sessionIdOf: (connection) => this.#sessionIdOf(connection),
      tell: (frame) => {
        for (const viewer of [...this.#viewers]) viewer.tell(frame);
      },
    });
    const endServices = source.overhear('service.attached', ({ service }) => {
      const found = source.services.find(({ name }) => name === service);
      if (found === undefined) return;
      for (const viewer of this.#viewers) {
        if (viewer.isExtended) this.#announce(viewer, found.actor as unknown as AnyActorRef);
      }
    });
    this.#stopOverhearing = () => {
      endIncidents();
      endServices();
    };
  }
}
