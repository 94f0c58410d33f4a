/**
 * Turns a compiled chart into XState actor logic.
 *
 * The actor is an ordinary one: it is created with `createActor`, has a parent,
 * a mailbox and snapshots, and shows up in every inspector with the definition
 * of its chart. Only the work of finding the transition is looked up instead of
 * computed (`compiled-chart.ts`).
 *
 * Actions run once the new snapshot is in place, so that whatever they call
 * sees the state it is in. What they send to their own actor waits in its
 * mailbox until they are done.
 */
import type { ActorLogic, AnyActorRef, EventObject, StateValue } from 'xstate';
import { ownLogic } from './own-logic.ts';
import type { CompiledChart, Configuration, Step, TakenTransition } from './compiled-chart.ts';
import { inspectionOf } from './inspection.ts';

/** What a chart's actions act upon: one for each actor. */
export interface ChartHost {
  /** Whether {@link changed} wants to hear of changes now. */
  readonly isWatched?: boolean;
  /** `event` led to other active states. */
  changed?(event: EventObject): void;
  /** Whether {@link moved} wants to hear of transitions now. */
  readonly isTraced?: boolean;
  /** `event` took `transitions`, whether to other states or not; none at the beginning. */
  moved?(event: EventObject, transitions: readonly TakenTransition[]): void;
  /** An actor that was created with this one as its parent has come to its end; `id` is that actor's. */
  childEnded?(id: string): void;
  /** An action threw. That is a defect of the runtime, never of a service; the host gives up what it owns. */
  actionFailed(error: unknown, action: string): void;
}

/** The snapshot of an actor that runs a compiled chart; reads like XState's own machine snapshot. */
export class ChartSnapshot<Host, Event extends EventObject> {
  readonly status: 'active' | 'done' | 'stopped';
  readonly configuration: Configuration<Host, Event>;
  readonly context: Host;

  constructor(
    configuration: Configuration<Host, Event>,
    context: Host,
    status: 'active' | 'done' | 'stopped' = configuration.status,
  ) {
    this.status = status;
    this.configuration = configuration;
    this.context = context;
  }

  get output(): undefined {
    return undefined;
  }

  get error(): undefined {
    return undefined;
  }

  get value(): StateValue {
    return this.configuration.value;
  }

  get tags(): ReadonlySet<string> {
    return this.configuration.tags;
  }

  hasTag(tag: string): boolean {
    return this.configuration.tags.has(tag);
  }

  matches(value: StateValue): boolean {
    return this.configuration.snapshot.matches(value as never);
  }

  toJSON(): object {
    return { status: this.status, value: this.value, tags: [...this.tags], context: this.context };
  }
}

/** The logic of an actor that runs `chart`; its input is its host. */
export interface ChartLogic<Host, Event extends EventObject> extends ActorLogic<
  ChartSnapshot<Host, Event>,
  Event,
  Host
> {
  readonly chart: CompiledChart<Host, Event>;
}

/** Actor logic that runs `chart`. One logic serves all actors of a chart; the host comes as input. */
export function chartLogic<Host extends ChartHost, Event extends EventObject>(
  chart: CompiledChart<Host, Event>,
): ChartLogic<Host, Event> {
  return ownLogic<ChartLogic<Host, Event>>({
    chart,
    config: chart.machine.config,

    getInitialSnapshot: (_scope, host) => new ChartSnapshot(chart.initial.next, host),

    getPersistedSnapshot: (snapshot) => snapshot,

    start(snapshot) {
      if (snapshot.context.isTraced === true) tellMoved(snapshot.context, INITIAL_EVENT, []);
      runStep(chart.initial, snapshot.context, INITIAL_EVENT as Event);
    },

    transition(snapshot, event, scope) {
      const { type } = event;
      // XState's own events are no part of a chart.
      if (type.startsWith('xstate.')) {
        if (type === 'xstate.stop') return new ChartSnapshot(snapshot.configuration, snapshot.context, 'stopped');
        if (type.startsWith('xstate.done.actor.')) {
          const { actorId = '' }: EventObject & { readonly actorId?: string } = event;
          scope.defer(() => snapshot.context.childEnded?.(actorId));
        }
        return snapshot;
      }
      const { context: host, configuration } = snapshot;
      const step = chart.step(configuration, event, host);
      const changes = step.next !== configuration;
      const next = changes ? new ChartSnapshot(step.next, host) : snapshot;
      if (inspectionOf(scope.system).watches(scope.self)) tellTaken(scope.self, step.transitions, next, event);
      if (changes && host.isWatched === true) scope.defer(() => tellChanged(host, event));
      if (step.transitions.length > 0 && host.isTraced === true)
        scope.defer(() => tellMoved(host, event, step.transitions));
      if (step.actions.length > 0) scope.defer(() => runStep(step, host, event));
      return next;
    },
  });
}

const INITIAL_EVENT: EventObject = { type: 'xstate.init' };

/** Tells inspectors which transitions were taken, as XState does for each step of its own. */
export function tellTaken<Host, Event extends EventObject>(
  actorRef: AnyActorRef,
  transitions: readonly TakenTransition[],
  snapshot: ChartSnapshot<Host, Event>,
  event: EventObject,
): void {
  if (transitions.length === 0) return;
  const system = actorRef.system as unknown as { _sendInspectionEvent(event: object): void };
  // An array of their own: they may keep it.
  system._sendInspectionEvent({
    type: '@xstate.microstep',
    actorRef,
    event,
    snapshot,
    _transitions: [...transitions],
  });
}

/** Tells a watched host of a change. */
export function tellChanged(host: ChartHost, event: EventObject): void {
  try {
    host.changed?.(event);
  } catch (error) {
    host.actionFailed(error, 'changed');
  }
}

/** Tells a traced host which transitions were taken. */
export function tellMoved(host: ChartHost, event: EventObject, transitions: readonly TakenTransition[]): void {
  try {
    host.moved?.(event, transitions);
  } catch (error) {
    host.actionFailed(error, 'moved');
  }
}

/** Carries out the actions of `step`; one that throws is reported, and the others follow. */
export function runStep<Host extends ChartHost, Event extends EventObject>(
  step: Step<Host, Event>,
  host: Host,
  event: Event,
): void {
  for (let index = 0; index < step.actions.length; index++) {
    try {
      step.actions[index]!(host, event);
    } catch (error) {
      host.actionFailed(error, step.actionNames[index]!);
    }
  }
}
