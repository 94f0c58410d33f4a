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
 * in time: when it has taken its share of a second, events are dropped until the next one. What a viewer asks for, and
 * what is told to one that has just come, waits until there is time for it instead.
 *
 * XState tells of the end of most actors, not of all: none of one that is stopped before it starts, or that its parent
 * loses by failing. So those that are watched are looked after now and then.
 */
import { randomUUID } from 'node:crypto';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Clock } from '../runtime/clock.ts';
import { Answers, MAX_WATCHED } from './answers.ts';
import { frameOf, type ToldDoing } from './doings.ts';
import { actorsOf, everyConnection, serverActors } from './find.ts';
import { overhearIncidents } from './incidents.ts';
import { MAX_LIST_ITEMS } from './lists.ts';
import { Moments } from './moments.ts';
import type { InspectorSettings } from './options.ts';
import { Overview } from './overview.ts';
import type { HelloFrame } from './protocol.ts';
import { hasEnded } from './reading.ts';
import type { InspectedWatcher, InspectorWatching, InspectorSource } from './source.ts';
import { Pace, Share } from './share.ts';
import { encode, StatelyWire } from './stately-wire.ts';
import { Steps } from './steps.ts';
import { Viewer, type ViewerLink } from './viewer.ts';
import { WatchList } from './watch-list.ts';

export interface HubSetting extends Omit<InspectorSettings, 'admission'> {
  readonly source: InspectorSource;
  readonly clock: Clock;
}

export const MAX_VIEWERS = 16;
/** How many actors a viewer is told of that cannot ask. */
export const MAX_ANNOUNCED = 200;
/** How often watched actors are looked after. */
const LOOK_MS = 500;
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

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
  readonly #watchList = new WatchList();
  readonly #steps = new Steps();
  readonly #moments = new Moments();
  readonly #share = new Share();
  readonly #pace: Pace;
  #inspecting: InspectorWatching | undefined;
  #stopOverhearing: (() => void) | undefined;
  #nextLook: unknown;

  constructor(setting: HubSetting) {
    const { source, redaction, clock } = setting;
    this.#setting = setting;
    this.#pace = new Pace(clock);
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
    const { clock, maxEventsPerSecond, source, allowActions, redaction } = this.#setting;
    const retell = (viewer: Viewer, actor: AnyActorRef): boolean => this.#announceInShare(viewer, actor);
    const viewer = new Viewer({ link, isExtended, maxEventsPerSecond, clock, retell });
    this.#viewers.add(viewer);
    const answers = new Answers({
      source,
      viewer,
      allowActions,
      redaction,
      pace: this.#pace,
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

  /** Sends all viewers away, for good. */
  stop(): void {
    this.#pace.stop();
    for (const viewer of [...this.#viewers]) {
      viewer.close(GOING_AWAY, 'the server stops');
      this.#forget(viewer);
    }
  }

  #greet(viewer: Viewer): void {
    const { source, allowActions, maxEventsPerSecond, redaction } = this.#setting;
    const { supervisor, server, names, groups, backplane } = source;
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
        ...(backplane !== undefined && { backplane: backplane.sessionId }),
      },
    };
    viewer.answer(hello);
    let left = MAX_LIST_ITEMS;
    for (const actor of serverActors(source)) if (left-- > 0) this.#announce(viewer, actor);
    this.#overhear();
    const overview = this.#overview.start();
    if (overview !== undefined) viewer.answer(overview);
  }

  /** Tells one that cannot ask of the actors that there are, up to a bound: of the server's at once. */
  #replay(viewer: Viewer): void {
    const { source } = this.#setting;
    for (const actor of serverActors(source)) if (!this.#replayOne(viewer, actor)) return;
    this.#replayConnections(viewer).catch((error: unknown) => {
      source.failed(error);
      viewer.close(INTERNAL_ERROR, 'the inspector failed');
      this.#forget(viewer);
    });
  }

  async #replayConnections(viewer: Viewer): Promise<void> {
    for (const connection of everyConnection(this.#setting.source)) {
      const goesOn = await this.#pace.do(() => {
        for (const { actor } of actorsOf(connection)) if (!this.#replayOne(viewer, actor)) return false;
        return true;
      });
      if (!goesOn) return;
    }
  }

  #replayOne(viewer: Viewer, actor: AnyActorRef): boolean {
    const { sessionId } = actor;
    // One that has come meanwhile is watched already.
    if (!viewer.watched.has(sessionId) || viewer.unannounced.delete(sessionId)) this.#watch(viewer, actor);
    return viewer.watched.size < MAX_ANNOUNCED && !viewer.isGone;
  }

  /** How long it takes is for the caller to see to: most actors run the code of users, and that is looked at. */
  #announce(viewer: Viewer, actor: AnyActorRef): void {
    viewer.send(encode(this.#wire.actor(actor, this.#moments.now())));
  }

  /** Tells of an actor in the middle of other work, if there is time for it. */
  #announceInShare(viewer: Viewer, actor: AnyActorRef): boolean {
    if (this.#share.isSpent) return false;
    this.#share.timed(() => this.#announce(viewer, actor));
    return true;
  }

  #watch(viewer: Viewer, actor: AnyActorRef): void {
    if (viewer.isGone) return;
    this.#announce(viewer, actor);
    // What has ended is told of and does nothing more.
    if (!hasEnded(actor)) this.#addWatcher(viewer, actor);
  }

  #addWatcher(viewer: Viewer, actor: AnyActorRef): void {
    // Cut as it was told of the actor.
    if (viewer.isGone) return;
    this.#inspecting ??= this.#setting.source.inspect(this);
    if (!this.#watchList.has(actor.sessionId)) {
      this.#steps.begin(actor);
      this.#inspecting.add(actor);
    }
    this.#watchList.add(viewer, actor);
    this.#nextLook ??= this.#setting.clock.setTimeout(this.#look, LOOK_MS);
  }

  #unwatch(viewer: Viewer, sessionId: string): void {
    const unwatched = this.#watchList.remove(viewer, sessionId);
    if (unwatched !== undefined) {
      this.#inspecting?.remove(unwatched);
      this.#moments.forget(unwatched);
    }
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
    if (!this.#watchList.isEmpty) return;
    this.#setting.clock.clearTimeout(this.#nextLook);
    this.#nextLook = undefined;
    if ([...this.#viewers].some(({ isExtended }) => !isExtended)) return;
    this.#inspecting?.end();
    this.#inspecting = undefined;
  }

  readonly #look = (): void => {
    this.#nextLook = this.#setting.clock.setTimeout(this.#look, LOOK_MS);
    for (const actor of this.#watchList.ended) this.#ended(actor, this.#moments.now());
  };

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
        const actor = event.actorRef as AnyActorRef;
        const moment = this.#tellAll(event, actor);
        if (event.type === '@xstate.snapshot' && hasEnded(actor)) this.#ended(actor, moment);
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
        if (viewer.hasRoom() && !this.#announceInShare(viewer, actor)) viewer.drop();
      } else {
        viewer.unannounced.add(sessionId);
        this.#addWatcher(viewer, actor);
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

  /** Returns the moment of it. */
  #tellAll(event: ToldDoing, actor: AnyActorRef): number {
    const { sessionId } = actor;
    const isMicrostep = event.type === '@xstate.microstep';
    const place = { step: this.#steps.numberOf(event), moment: this.#moments.of(event) };
    let text: string | undefined;
    for (const viewer of [...this.#watchList.viewersOf(sessionId)]) {
      if (isMicrostep && !viewer.isExtended) continue;
      const isUnannounced = viewer.unannounced.has(sessionId);
      if (isUnannounced && this.#announceInShare(viewer, actor)) viewer.unannounced.delete(sessionId);
      if (this.#share.isSpent) viewer.drop(sessionId);
      else if (viewer.hasRoom(sessionId))
        viewer.send((text ??= this.#share.timed(() => encode(frameOf(this.#wire, event, place)))));
    }
    return place.moment;
  }

  #ended(actor: AnyActorRef, moment: number): void {
    const { sessionId } = actor;
    for (const viewer of [...this.#watchList.viewersOf(sessionId)]) {
      this.#unwatch(viewer, sessionId);
      if (viewer.isExtended) viewer.answer({ type: 'troupe.ended', at: Date.now(), sessionId, moment });
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

  /** Hears of what goes wrong, for viewers that understand it. */
  #overhear(): void {
    if (this.#stopOverhearing !== undefined) return;
    const { source, redaction } = this.#setting;
    const endIncidents = overhearIncidents({ source, redaction, viewers: this.#viewers, share: this.#share });
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
