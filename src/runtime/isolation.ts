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
import { isMachine } from '../service/machine.ts';
import { isolateMachine } from './machine-isolation.ts';
import { isOwnLogic } from './own-logic.ts';

/** Who is told. */
export interface IsolationReports {
  /** An async action of `actor` rejected, or a callback on it threw: the connection it acts for must end. */
  actorFailed(actor: AnyActorRef, error: unknown): void;
  /** An inspection observer threw. */
  observerFailed(error: unknown): void;
  /** Runs user code, see `turns.ts`. */
  during(userCode: () => void): void;
}

interface ExecutableAction {
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

/** Isolates every actor that is made in `system` from now on. */
export function isolateSystem(system: AnyActorRef['system'], reports: IsolationReports): void {
  const internals = system as unknown as SystemInternals;
  const send = internals._sendInspectionEvent;
  internals._sendInspectionEvent = (event) => {
    if (event.type === '@xstate.actor') isolateActor(event.actorRef, reports);
    send(event);
  };

  const relay = internals._relay;
  internals._relay = (source, target, event) => {
    if (source !== undefined && isOwn(target) && !isOwn(source) && !isReport(event)) {
      reports.actorFailed(source, new TroupeError('TROUPE_PARENT_NOT_ADDRESSABLE', { event: event.type }));
      return;
    }
    // Also what a delay or an invoked actor leads to is user code that runs in a turn.
    if (isOwn(target)) relay(source, target, event);
    else reports.during(() => relay(source, target, event));
  };

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
  const { children } = actor.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef>> };
  for (const child of Object.values(children ?? {})) {
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

function isolateActor(ref: AnyActorRef, reports: IsolationReports): void {
  const actor = ref as unknown as ActorInternals;
  // The runtime's own actors run no user code: their hosts wrap it.
  if (isOwnLogic(actor.logic)) return;
  const { systemId } = actor.options;
  if (systemId !== undefined) throw new TroupeError('TROUPE_SYSTEM_ID_REFUSED', { systemId });
  if (isMachine(actor.logic)) isolateMachine(actor.logic);

  const failed = (error: unknown): void => reports.actorFailed(ref, error);

  const scope = actor._actorScope;
  const execute = scope.actionExecutor;
  scope.actionExecutor = (action) => {
    const { exec } = action;
    execute(
      exec === undefined ? action : { ...action, exec: (info, params) => onRejected(exec(info, params), failed) },
    );
  };

  const subscribe = actor.subscribe;
  actor.subscribe = (...args) => {
    const observer = toObserver(...(args as Parameters<typeof toObserver>));
    return subscribe.call(actor, {
      next: wrapped(observer.next, failed),
      // Taking the error here is what keeps XState from rethrowing it.
      error: wrapped(observer.error, failed) ?? (() => {}),
      complete: wrapped(observer.complete, failed),
    });
  };

  const on = actor.on;
  actor.on = (type, handler) => on.call(actor, type, wrapped(handler, failed)!);
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
