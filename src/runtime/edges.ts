/**
 * Names transitions and states for those outside: by their path from the id of
 * their machine, whatever id they were given. Made once for each, and kept as
 * long as its chart.
 */
import type { AnyMachineSnapshot, AnyStateNode } from 'xstate';
import type { Edge } from '../telemetry/events.ts';
import type { TakenTransition } from './compiled-chart.ts';

type Nodes = AnyMachineSnapshot['_nodes'];

const edges = new WeakMap<TakenTransition, Edge>();
const innermost = new WeakMap<Nodes, readonly string[]>();

/** What `transitions` are called. */
export function edgesOf(transitions: readonly TakenTransition[]): readonly Edge[] {
  return transitions.map((transition) => {
    let edge = edges.get(transition);
    if (edge === undefined) {
      const { source, target } = transition;
      edge = Object.freeze({
        source: nameOf(source),
        targets: Object.freeze((target ?? []).map(nameOf)),
        event: (transition.eventType as string | null | undefined) ?? '',
      });
      edges.set(transition, edge);
    }
    return edge;
  });
}

/** The innermost of the states that are active in `snapshot`, in the order of their chart. */
export function statesOf({ _nodes: nodes }: AnyMachineSnapshot): readonly string[] {
  let states = innermost.get(nodes);
  if (states === undefined) {
    states = Object.freeze(
      nodes
        .filter(({ type }) => type === 'atomic' || type === 'final')
        .toSorted((one, other) => one.order - other.order)
        .map(nameOf),
    );
    innermost.set(nodes, states);
  }
  return states;
}

function nameOf({ machine, path }: AnyStateNode): string {
  return [machine.id, ...path].join('.');
}
