/**
 * Reads what the code of users may have made in any way: snapshots of actors with logic of their own, and the logic
 * itself. Nothing here throws; what cannot be read is absent.
 */
import type { AnyActorRef } from 'xstate';
import { isChart, type Chart } from './graph.ts';

/** A field of anything; `undefined` as well when reading it throws. */
export function read(from: unknown, field: string): unknown {
  try {
    return (from as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}

export function snapshotOf(actor: AnyActorRef): unknown {
  try {
    return actor.getSnapshot();
  } catch {
    return undefined;
  }
}

/** The children that a snapshot names, by their ids: at most `most`, and only what is an actor. */
export function childrenIn(snapshot: unknown, most: number): readonly (readonly [id: string, child: AnyActorRef])[] {
  const children = read(snapshot, 'children');
  if (typeof children !== 'object' || children === null) return [];
  try {
    return Object.keys(children)
      .slice(0, most)
      .map((id) => [id, read(children, id)] as const)
      .filter((entry): entry is readonly [string, AnyActorRef] => isActor(entry[1]));
  } catch {
    return [];
  }
}

/** An invoked actor whose logic nobody has provided is none, and yet has a place; logic of users may name anything. */
function isActor(value: unknown): value is AnyActorRef {
  return (
    typeof value === 'object' &&
    typeof read(value, 'sessionId') === 'string' &&
    typeof read(value, 'getSnapshot') === 'function'
  );
}

/** As XState numbers it. */
const NOT_STARTED = 0;
const STOPPED = 2;
const ENDS: readonly unknown[] = ['done', 'error', 'stopped'];

/**
 * Whether an actor has come to its end. One that was stopped before its start never says so in its snapshot, and one
 * whose parent failed before it was started is left as it was: so what XState itself goes by is looked at as well, which
 * `test/inspector/ends.test.ts` pins.
 */
export function hasEnded(actor: AnyActorRef): boolean {
  const progress = read(actor, '_processingStatus');
  if (progress === STOPPED || ENDS.includes(read(snapshotOf(actor), 'status'))) return true;
  return progress === NOT_STARTED && actor._parent !== undefined && hasEnded(actor._parent);
}

/** The chart that an actor runs, if it runs one: compiled by the runtime, or on XState itself. */
export function chartOf(actor: AnyActorRef): Chart | undefined {
  const logic = read(actor, 'logic');
  for (const machine of [logic, read(read(logic, 'chart'), 'machine')]) {
    try {
      if (isChart(machine)) return machine;
    } catch {
      // A proxy that fails is no machine.
    }
  }
  return undefined;
}
