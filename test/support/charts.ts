import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';

/** What each guard answers. One that is left out answers no. */
export type Answers = Readonly<Record<string, boolean>>;

/** The machine with guards that answer as they are told to. */
export function withAnswers(machine: AnyStateMachine, answers: () => Answers): AnyStateMachine {
  const guards = Object.keys(machine.implementations.guards as object);
  return machine.provide({ guards: Object.fromEntries(guards.map((name) => [name, () => answers()[name] ?? false])) });
}

/** All answers that the guards of a machine may give. */
export function everyAnswer(machine: AnyStateMachine): Answers[] {
  let all: Answers[] = [{}];
  for (const name of Object.keys(machine.implementations.guards as object)) {
    all = all.flatMap((answers) => [
      { ...answers, [name]: true },
      { ...answers, [name]: false },
    ]);
  }
  return all;
}

/** Event types that a machine handles, with examples for wildcards and one that it has never heard of. */
export function eventTypesOf(machine: AnyStateMachine): string[] {
  const descriptors = machine.events as readonly string[];
  const examples = descriptors
    .filter((descriptor) => !descriptor.startsWith('xstate.'))
    .flatMap((descriptor) => {
      if (descriptor === '*') return ['anything'];
      if (!descriptor.endsWith('.*')) return [descriptor];
      const prefix = descriptor.slice(0, -2);
      return [`${prefix}.text`, `${prefix}.some.thing`, prefix];
    });
  return [...new Set([...examples, 'never.heard.of'])];
}

export interface TakenStep {
  readonly event: EventObject;
  readonly answers: Answers;
  readonly actions: readonly string[];
  readonly next: AnyMachineSnapshot;
}

/** A set of active states, and what every event does in it under every answer of the guards. */
export interface Reached {
  readonly key: string;
  readonly snapshot: AnyMachineSnapshot;
  readonly steps: readonly TakenStep[];
  /** The keys of all that follow at once. */
  readonly next: readonly string[];
}

const known = new WeakMap<AnyStateMachine, readonly Reached[]>();

/** Everything that a machine without data can ever be in. */
export function reachable(machine: AnyStateMachine): readonly Reached[] {
  let found = known.get(machine);
  if (found === undefined) known.set(machine, (found = search(machine)));
  return found;
}

function search(machine: AnyStateMachine): Reached[] {
  let answers: Answers = {};
  let isAsked = false;
  const oracle = withAnswers(machine, () => {
    isAsked = true;
    return answers;
  });
  const events = eventTypesOf(machine).map((type) => ({ type }));
  const seen = new Map<string, Reached>();
  const queue: AnyMachineSnapshot[] = [];
  for (answers of everyAnswer(machine)) queue.push(initialTransition(oracle)[0] as AnyMachineSnapshot);
  for (let snapshot = queue.shift(); snapshot !== undefined; snapshot = queue.shift()) {
    const key = JSON.stringify(snapshot.value);
    if (seen.has(key)) continue;
    const steps: TakenStep[] = [];
    for (const event of snapshot.status === 'active' ? events : []) {
      for (answers of everyAnswer(machine)) {
        isAsked = false;
        const [next, executed] = transition(oracle, snapshot, event) as [AnyMachineSnapshot, readonly EventObject[]];
        steps.push({ event, answers, actions: executed.map(({ type }) => type), next });
        queue.push(next);
        // No guard was evaluated, so other answers lead to the same.
        if (!isAsked) break;
      }
    }
    const next = [...new Set(steps.map((step) => JSON.stringify(step.next.value)))];
    seen.set(key, { key, snapshot, steps, next });
  }
  return [...seen.values()];
}
