/** Questions to a machine's graph that have nothing to do with drawing it. */
import type { Described, Graph, GraphState, GraphTransition, TakenEdge } from '../../protocol.ts';

/** Every state beneath `state` and itself, parents before their children. */
export function* statesOf(state: GraphState): Generator<GraphState> {
  yield state;
  for (const child of state.states) yield* statesOf(child);
}

export function allTransitions(graph: Graph): readonly GraphTransition[] {
  return Array.from(statesOf(graph.root), ({ transitions }) => transitions).flat();
}

/** The ids of the states that `value` says are active, as XState writes values; parents are active with their children. */
export function activeStates(graph: Graph, value: Described | undefined): ReadonlySet<string> {
  const active = new Set<string>();
  const walk = (state: GraphState, inside: Described | undefined): void => {
    active.add(state.id);
    for (const child of state.states) {
      if (inside === child.key) walk(child, undefined);
      else if (typeof inside === 'object' && inside !== null && Object.hasOwn(inside, child.key)) {
        walk(child, (inside as Readonly<Record<string, Described>>)[child.key]);
      }
    }
  };
  if (value !== undefined && value !== null) walk(graph.root, value);
  return active;
}

/** The ids of the transitions that `edge` may be: several when the server cannot tell which of like ones it was. */
export function transitionsTaken(graph: Graph, edge: TakenEdge): readonly string[] {
  if (edge.transition !== undefined) return [edge.transition];
  return allTransitions(graph)
    .filter(
      ({ source, event, targets }) =>
        source === edge.source &&
        event === edge.event &&
        targets.length === edge.targets.length &&
        targets.every((target, index) => target === edge.targets[index]),
    )
    .map(({ id }) => id);
}

/** The part of a state's id that tells it from the others of its machine. */
export function nameOfState(graph: Graph, id: string): string {
  return id.startsWith(`${graph.id}.`) ? id.slice(graph.id.length + 1) : id;
}
