/** One machine run twice, by plans and by XState, for tests that compare what both note. */
import {
  createActor,
  createMachine,
  type AnyActor,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { planMachine, type PlanCounts } from '../../src/runtime/planned-machine.ts';

type Notes = unknown[];
export type Note = (...what: unknown[]) => void;

/** What XState calls a machine's functions with. */
export interface Arguments {
  readonly context: { readonly n: number };
  readonly event: EventObject;
  readonly self: AnyActorRef;
}

/** What comes beside what the machines name. */
export const types = ['go', 'other', 'third'];
export const snapshotOf = (actor: AnyActorRef): AnyMachineSnapshot => actor.getSnapshot() as AnyMachineSnapshot;

function startNoting(machine: AnyStateMachine, note: Note): AnyActor {
  const actor = createActor(machine, { logger: (...said: unknown[]) => note('log', ...said) });
  actor.subscribe({
    next: (next) => note('next', (next as AnyMachineSnapshot).value, (next as AnyMachineSnapshot).context),
    error: (error) => note('error', String(error)),
    complete: () => note('complete'),
  });
  return actor.start();
}

/** What is noted when `drive` drives the machine that `make` makes: planned, and run by XState. */
export function bothWays(
  make: (note: Note) => object,
  drive: (actor: AnyActor, note: Note, machine: AnyStateMachine) => void,
): { readonly ours: Notes; readonly theirs: Notes; readonly counts: PlanCounts } {
  const counts: PlanCounts = { begun: 0, planned: 0, quiet: 0, left: 0 };
  const [ours, theirs] = [true, false].map((isPlanned) => {
    const notes: Notes = [];
    const note: Note = (...what) => void notes.push(what);
    const machine = createMachine({ id: 'm', context: { n: 0 }, ...make(note) } as never) as AnyStateMachine;
    const actual = isPlanned ? planMachine(machine, types) : undefined;
    const actor = startNoting(machine, note);
    drive(actor, note, machine);
    const { status, value, context, children } = snapshotOf(actor);
    note('finally', status, value, context, Object.keys((children ?? {}) as object));
    Object.assign(counts, actual);
    return notes;
  }) as [Notes, Notes];
  return { ours, theirs, counts };
}
