/**
 * What is drawn of a machine's graph, before anything has a place: a box for
 * each state, an arrow for each two states with transitions between them.
 */
import type { Graph, GraphState, GraphTransition } from '../../protocol.ts';
import { allTransitions, statesOf } from './graph.ts';
import { grouped } from './grouped.ts';
import { cut } from './text.ts';

/** One line of text in a box or beside an arrow, and the transitions that it stands for. */
export interface Line {
  readonly text: string;
  readonly transitions: readonly string[];
}

export interface BoxPlan {
  readonly state: GraphState;
  /** The id of the state it lies in. */
  readonly parent: string | undefined;
  readonly title: string;
  readonly lines: readonly Line[];
  /** Whether it is one of several that are active at once. */
  readonly isRegion: boolean;
}

export interface ArrowPlan {
  /** The id of a state, or of a dot: see {@link dotOf}. */
  readonly source: string;
  readonly target: string;
  readonly lines: readonly Line[];
}

export interface ChartPlan {
  /** By the ids of states, parents before their children. */
  readonly boxes: ReadonlyMap<string, BoxPlan>;
  readonly arrows: ReadonlyMap<string, ArrowPlan>;
}

/** The dot in `state` from which the arrow to its initial state starts; no id of a state ends like this. */
export function dotOf(state: string): string {
  return `${state}${dotEnd}`;
}

const dotEnd = '\u0000';

/** The state that a dot lies in; undefined for what is no dot. */
export function stateOfDot(id: string): string | undefined {
  return id.endsWith(dotEnd) ? id.slice(0, -dotEnd.length) : undefined;
}

const mostLines = 8;

export function planChart(graph: Graph): ChartPlan {
  const known = new Set(Array.from(statesOf(graph.root), ({ id }) => id));
  const transitions = allTransitions(graph);
  const isArrow = ({ targets }: GraphTransition): boolean => targets.some((target) => known.has(target));
  const inside = grouped(
    transitions.filter((transition) => !isArrow(transition)),
    ({ source }) => source,
  );
  const boxes = new Map<string, BoxPlan>();
  const add = (state: GraphState, parent: GraphState | undefined): void => {
    const title = cut(state.kind === 'history' ? `${state.key} (H)` : state.key);
    const lines = linesWithin(state, inside.get(state.id) ?? []);
    boxes.set(state.id, { state, parent: parent?.id, title, lines, isRegion: parent?.kind === 'parallel' });
    for (const child of state.states) add(child, state);
  };
  add(graph.root, undefined);
  return { boxes, arrows: arrowsOf(graph, transitions, known) };
}

/** What stands within a box: what is done on the way in and out, and transitions that lead nowhere else. */
function linesWithin(state: GraphState, transitions: readonly GraphTransition[]): readonly Line[] {
  const plain = [
    ...(state.entry.length > 0 ? [`entry / ${state.entry.join(', ')}`] : []),
    ...(state.exit.length > 0 ? [`exit / ${state.exit.join(', ')}`] : []),
    ...state.invoke.map(({ src }) => `invoke ${src}`),
  ];
  return shortened([...plain.map((text) => ({ text: cut(text), transitions: [] })), ...linesOf(transitions)]);
}

/** Transitions between the same two states share an arrow; each keeps its line, so that it can flash. */
function arrowsOf(
  graph: Graph,
  transitions: readonly GraphTransition[],
  known: ReadonlySet<string>,
): ReadonlyMap<string, ArrowPlan> {
  const bundles = new Map<string, { source: string; target: string; transitions: GraphTransition[] }>();
  for (const transition of transitions) {
    if (!known.has(transition.source)) continue;
    for (const target of transition.targets) {
      if (!known.has(target)) continue;
      const id = `${transition.source}→${target}`;
      const bundle = bundles.get(id) ?? { source: transition.source, target, transitions: [] };
      bundle.transitions.push(transition);
      bundles.set(id, bundle);
    }
  }
  const arrows = new Map<string, ArrowPlan>();
  for (const [id, { source, target, transitions }] of bundles) {
    arrows.set(id, { source, target, lines: shortened(linesOf(transitions)) });
  }
  for (const { id, initial } of statesOf(graph.root)) {
    for (const target of initial?.targets ?? []) {
      if (known.has(target)) arrows.set(`${dotOf(id)}→${target}`, { source: dotOf(id), target, lines: [] });
    }
  }
  return arrows;
}

/** Lines that read the same become one. Actions stand in the table only: with them no chart would fit a screen. */
function linesOf(transitions: readonly GraphTransition[]): readonly Line[] {
  const lines = grouped(transitions, ({ label, guard }) => cut(guard === undefined ? label : `${label} [${guard}]`));
  return Array.from(lines, ([text, same]) => ({ text, transitions: same.map(({ id }) => id) }));
}

function shortened(lines: readonly Line[]): readonly Line[] {
  if (lines.length <= mostLines) return lines;
  const rest = lines.slice(mostLines - 1);
  const transitions = rest.flatMap((line) => line.transitions);
  return [...lines.slice(0, mostLines - 1), { text: `… ${rest.length} more`, transitions }];
}
