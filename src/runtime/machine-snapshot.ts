/**
 * The last good snapshot of a machine that failed, and a machine that goes on from one.
 *
 * XState leaves the snapshot of an actor that fails in a transition as it was before the event, but for its status; so
 * nothing has to be kept while all is well. What it writes down of a snapshot it also restores, invoked and spawned
 * actors included, but for delays: those of the active states are begun again here.
 */
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, Snapshot } from 'xstate';

/** What `actor` can go on from; undefined if there is nothing, or nothing that could be restored. */
export function lastGoodSnapshot(logic: AnyActorLogic, actor: AnyActorRef): Snapshot<unknown> | undefined {
  const snapshot = actor.getSnapshot() as Snapshot<unknown>;
  if (snapshot.status !== 'active' && snapshot.status !== 'error') return undefined;
  try {
    return logic.getPersistedSnapshot({ ...snapshot, status: 'active', error: undefined }) as Snapshot<unknown>;
  } catch {
    // An actor that was started without a name, or a context that leads back to itself: XState cannot write it down.
    return undefined;
  }
}

type Delay = number | ((args: object, params: unknown) => number);

/** Begins the delays of the active states again: XState sets them when a state is entered. */
export function beginDelays(machine: AnyStateMachine, actor: AnyActorRef): void {
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
  const nodes = snapshot._nodes as readonly AnyStateNode[];
  const context: unknown = snapshot.context;
  const delays = machine.implementations.delays as Readonly<Record<string, Delay | undefined>>;
  const { system } = actor;
  for (const node of nodes) {
    // Several transitions of one delay share its event.
    const delayed = node.after as readonly { readonly eventType: string; readonly delay: Delay | string }[];
    const after = new Map(delayed.map(({ eventType, delay }) => [eventType, delay]));
    for (const [type, written] of after) {
      const delay = typeof written === 'string' ? delays[written] : written;
      const args = { context, event: { type: 'xstate.init' }, self: actor, system };
      const delayMs = typeof delay === 'function' ? delay(args, undefined) : delay;
      if (delayMs !== undefined) system.scheduler.schedule(actor, actor, { type }, delayMs, type);
    }
  }
}
