import type { AnyActorRef, EventObject } from 'xstate';

/** Sends as XState does within a system: also its own events, which no actor of the runtime takes by `send`. */
export function relay(actor: AnyActorRef, event: EventObject): void {
  (actor.system as unknown as { _relay(...sent: unknown[]): void })._relay(undefined, actor, event);
}
