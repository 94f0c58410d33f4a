/**
 * Keeps what user code does inside actors from reaching the process.
 *
 * XState lets four things escape: the rejection of an async action, a throw in
 * a `subscribe` or `on` callback (rethrown on a timer), an error that no
 * observer takes, and a throw in an inspection observer (which leaves the
 * observed actor's mailbox stuck). This module closes all of them for every
 * actor of a system, those that machines invoke and spawn included, at the one
 * place that all actors pass when they are made; `machine-isolation.ts` does the
 * same for what runs inside a transition. `test/runtime/isolation.test.ts` pins the
 * XState internals that this relies on.
 */
import { toObserver, type AnyActorRef, type InspectionEvent, type Observer, type EventObject } from 'xstate';
import { onRejected } from '../thenable.ts';
import { TroupeError } from '../errors.ts';
import type { SharedReceiver } from '../service/bound-service.ts';
import { isMachine } from '../service/machine.ts';
import { isolateMachine } from './machine-isolation.ts';
import { isOwnLogic } from './own-logic.ts';
import { isFace } from './shared-face.ts';

/** Who is told. */
export interface IsolationReports {
  /** An async action of `actor` rejected, or a callback on it threw: the connection it acts for must end. */
  actorFailed(actor: AnyActorRef, error: unknown): void;
  /** An inspection observer threw. */
  observerFailed(error: unknown): void;
  /** Runs user code, see `turns.ts`. */
  during(userCode: () => void): void;
  /** Whether anybody is told of what `actor` does, beside those who subscribed to it. Left out: it may be. */
  isFollowed?(actor: AnyActorRef): boolean;
}

interface ExecutableAction {
  readonly type: string;
  readonly info: unknown;
  readonly params: unknown;
  readonly exec?: ((info: unknown, params: unknown) => unknown) | undefined;
}

/** The internals of XState's `Actor` and `ActorSystem` that are touched here, and nowhere else. */
interface ActorInternals {
  readonly logic: unknown;
  readonly options: { readonly systemId?: string };
  _stop(): void;
  readonly _actorScope: { actionExecutor(action: ExecutableAction): void };
  subscribe: (...args: unknown[]) => unknown;
  on: (type: string, handler: (event: unknown) => unknown) => unknown;
}

interface SystemInternals {
  _sendInspectionEvent(event: { type: string; actorRef: AnyActorRef }): void;
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void;
  inspect: AnyActorRef['system']['inspect'];
}

/** What actors of an isolated system may rely on. */
export type Isolation = Required<Pick<IsolationReports, 'actorFailed' | 'isFollowed'>> & Pick<AnyActorRef, 'system'>;

const isolations = new WeakMap<AnyActorRef['system'], Isolation>();

/** The isolation of `system`, if there is one that knows who is told of what. */
export function isolationOf(system: AnyActorRef['system']): Isolation | undefined {
  return isolations.get(system);
}

/** On an actor to which somebody has ever subscribed. */
const SUBSCRIBED = Symbol('subscribed');

interface Subscribable {
  [SUBSCRIBED]?: true;
}

export function isSubscribed(actor: object): boolean {
  return (actor as Subscribable)[SUBSCRIBED] === true;
}

/** Isolates every actor that is made in `system` from now on. */
export function isolateSystem(system: AnyActorRef['system'], reports: IsolationReports): void {
  const internals = system as unknown as SystemInternals;
  const { actorFailed, isFollowed } = reports;
  if (isFollowed !== undefined) isolations.set(system, { system, actorFailed, isFollowed });
  const callbacks = createHarmlessCallbacks(reports);
  const send = internals._sendInspectionEvent;
  internals._sendInspectionEvent = (event) => {
    if (event.type === '@xstate.actor') isolateActor(event.actorRef, reports, callbacks);
    send(event);
  };

  const relay = internals._relay;
  internals._relay = (source, target, event) => {
    if (source !== undefined && isOwn(target) && !isOwn(source) && !isReport(event)) {
      if (isFace(target)) {
        hand(source, target, event);
        return;
      }
      reports.actorFailed(source, new TroupeError('TROUPE_PARENT_NOT_ADDRESSABLE', { event: event.type }));
      return;
    }
    // Also what a delay or an invoked actor leads to is user code that runs in a turn.
    if (isOwn(target)) relay(source, target, event);
    else reports.during(() => relay(source, target, event));
  };

  /** What is refused fails who sends it: not on the stack of a timer, if it was sent with a delay. */
  function hand(source: AnyActorRef, target: SharedReceiver, event: EventObject): void {
    try {
      target.receive(source, event);
    } catch (error) {
      reports.actorFailed(source, error);
    }
  }

  const inspect = internals.inspect;
  internals.inspect = (inspector) => inspect(harmless(inspector, (error) => reports.observerFailed(error)));
}

/** An inspector that may throw: XState lets that stop the observed actor's mailbox for good. */
export function harmless(
  inspector: Observer<InspectionEvent> | ((event: InspectionEvent) => void),
  failed: (error: unknown) => void,
): (event: InspectionEvent) => void {
  const observer = toObserver(inspector);
  return (event) => {
    try {
      onRejected(observer.next?.(event), failed);
    } catch (error) {
      failed(error);
    }
  };
}

/** Stops what a machine that failed has started: XState leaves it running. */
export function stopDescendants(actor: AnyActorRef): void {
  // An invoked actor whose logic nobody has provided is none, and yet has a place.
  const { children } = actor.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> };
  for (const child of Object.values(children ?? {})) {
    if (child === undefined) continue;
    stopDescendants(child);
    (child as unknown as ActorInternals)._stop();
  }
}

function isOwn(ref: AnyActorRef): boolean {
  return isOwnLogic((ref as unknown as ActorInternals).logic);
}

/** What XState itself tells a parent of its child. */
function isReport({ type }: EventObject): boolean {
  return /^xstate\.(done\.actor|error\.actor|snapshot)\./.test(type);
}

function isolateActor(ref: AnyActorRef, reports: IsolationReports, harmlessCallbacks: HarmlessCallbacks): void {
  const actor = ref as unknown as ActorInternals;
  // The runtime's own actors run no user code: their hosts wrap it.
  if (isOwnLogic(actor.logic)) return;
  const { systemId } = actor.options;
  if (systemId !== undefined) throw new TroupeError('TROUPE_SYSTEM_ID_REFUSED', { systemId });
  if (isMachine(actor.logic)) isolateMachine(actor.logic);

  const scope = actor._actorScope;
  const execute = scope.actionExecutor;
  // Written out, as this is done for each action of each event; one closure, as each actor is a connection's.
  scope.actionExecutor = ({ type, info, params, exec }) =>
    execute({
      type,
      info,
      params,
      exec: exec && ((info, params) => onRejected(exec(info, params), (error) => reports.actorFailed(ref, error))),
    });

  actor.subscribe = harmlessCallbacks.subscribe;
  actor.on = harmlessCallbacks.on;
}

type HarmlessCallbacks = Pick<ActorInternals, 'subscribe' | 'on'>;

/** `subscribe` and `on` of isolated actors: one pair for all, as each actor is a connection's. */
function createHarmlessCallbacks(reports: IsolationReports): HarmlessCallbacks {
  const ofXState = (actor: object): HarmlessCallbacks => Object.getPrototypeOf(actor) as HarmlessCallbacks;
  const failing =
    (actor: unknown) =>
    (error: unknown): void =>
      reports.actorFailed(actor as AnyActorRef, error);
  return {
    subscribe(...args) {
      (this as Subscribable)[SUBSCRIBED] = true;
      const failed = failing(this);
      const observer = toObserver(...(args as Parameters<typeof toObserver>));
      return ofXState(this).subscribe.call(this, {
        next: wrapped(observer.next, failed),
        // Taking the error here is what keeps XState from rethrowing it.
        error: wrapped(observer.error, failed) ?? (() => {}),
        complete: wrapped(observer.complete, failed),
      });
    },
    on(type, handler) {
      return ofXState(this).on.call(this, type, wrapped(handler, failing(this))!);
    },
  };
}

function wrapped<Args extends readonly unknown[]>(
  callback: ((...args: Args) => unknown) | undefined,
  failed: (error: unknown) => void,
): ((...args: Args) => void) | undefined {
  if (callback === undefined) return undefined;
  return (...args) => {
    try {
      onRejected(callback(...args), failed);
    } catch (error) {
      failed(error);
    }
  };
}
