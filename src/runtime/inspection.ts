/**
 * Knows whether anybody inspects a system.
 *
 * XState makes an inspection event for whatever happens and then finds that
 * nobody listens. Actors of the runtime ask first: with the inspector detached
 * they make none, and their events need not pass `system._relay`, which does
 * nothing else than to tell of them. Attached and detached at any time.
 */
import type { AnyActorRef } from 'xstate';

type System = AnyActorRef['system'];

export interface Inspection {
  readonly isOn: boolean;
}

const ALWAYS: Inspection = { isOn: true };

const inspections = new WeakMap<System, Inspection>();

/** The inspection of `system`; a system that is not {@link watchInspection watched} counts as inspected. */
export function inspectionOf(system: System): Inspection {
  return inspections.get(system) ?? ALWAYS;
}

/**
 * Notices from now on who inspects `system`.
 *
 * @param isInspected Whether somebody does already, and for good: XState's option `inspect` cannot be taken back.
 */
export function watchInspection(system: System, isInspected: boolean): void {
  const inspection = { isOn: isInspected };
  inspections.set(system, inspection);
  const inspect = system.inspect;
  const inspectors = new Set<object>(isInspected ? [inspection] : []);
  system.inspect = (inspector) => {
    const subscription = inspect(inspector);
    inspectors.add(subscription);
    inspection.isOn = true;
    return {
      unsubscribe() {
        subscription.unsubscribe();
        inspectors.delete(subscription);
        inspection.isOn = inspectors.size > 0;
      },
    };
  };
}
