/**
 * A machine's graph → what elkjs lays out.
 *
 * What ELK needs to know is sizes and ends; everything that is drawn but does
 * not move (titles, lines within a box) stays in the plan that comes with the
 * graph, and `svg-model.ts` puts the two together again.
 */
import type { Graph, GraphState, GraphTransition } from '../../protocol.ts';
import type { ElkNode } from './elk-types.ts';
import { allTransitions, statesOf } from './graph.ts';
import { grouped } from './grouped.ts';
import { cut, lineHeight, widthOf } from './text.ts';

/** One line of text in a box or beside an arrow, and the transition that it stands for. */
export interface Line {
  readonly text: string;
  readonly transitions: readonly string[];
}

export interface BoxPlan {
  readonly state: GraphState;
  readonly depth: number;
  readonly title: string;
  readonly lines: readonly Line[];
  /** Whether it is one of several that are active at once. */
  readonly isRegion: boolean;
}

export interface ArrowPlan {
  readonly source: string;
  readonly target: string;
  readonly lines: readonly Line[];
}

export interface LayoutPlan {
  readonly graph: ElkNode;
  /** By the ids of states. */
  readonly boxes: ReadonlyMap<string, BoxPlan>;
  /** By the ids of the graph's edges. */
  readonly arrows: ReadonlyMap<string, ArrowPlan>;
}

/** Above this no picture is made: it would take minutes and nobody could read it. The table shows everything. */
export const mostStates = 400;
const mostLines = 8;
const side = 12;
const titleHeight = 24;

const layoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  // Everything measured from the corner of the picture.
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.componentComponent': '24',
  'elk.layered.spacing.nodeNodeBetweenLayers': '32',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.edgeRouting': 'ORTHOGONAL',
} as const;

/** What ELK lays out for `graph`, and what is drawn at the places that it finds. */
export function planLayout(graph: Graph): LayoutPlan {
  const known = new Set(Array.from(statesOf(graph.root), ({ id }) => id));
  const transitions = allTransitions(graph);
  const boxes = new Map<string, BoxPlan>();
  const inside = grouped(
    transitions.filter(({ targets }) => !targets.some((target) => known.has(target))),
    ({ source }) => source,
  );
  const initials: { readonly source: string; readonly target: string }[] = [];

  const nodeOf = (state: GraphState, depth: number, isRegion: boolean): ElkNode => {
    const plan: BoxPlan = {
      state,
      depth,
      title: cut(state.kind === 'history' ? `${state.key} (H)` : state.key),
      lines: linesWithin(state, inside.get(state.id) ?? []),
      isRegion,
    };
    boxes.set(state.id, plan);
    const width = Math.max(
      64,
      widthOf(plan.title) + 2 * side,
      ...plan.lines.map(({ text }) => widthOf(text) + 2 * side),
    );
    const top = titleHeight + plan.lines.length * lineHeight + (plan.lines.length > 0 ? 6 : 0);
    if (state.states.length === 0) return { id: state.id, width, height: Math.max(34, top + 4) };

    const children = state.states.map((child) => nodeOf(child, depth + 1, state.kind === 'parallel'));
    const firsts = (state.initial?.targets ?? []).filter((target) => known.has(target));
    if (firsts.length > 0) {
      const dot = initialId(state.id);
      children.unshift({ id: dot, width: 10, height: 10 });
      initials.push(...firsts.map((target) => ({ source: dot, target })));
    }
    return {
      id: state.id,
      children,
      layoutOptions: {
        'elk.padding': `[top=${top + 14},left=16,bottom=16,right=16]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width}, ${top + 30})`,
      },
    };
  };

  const root = nodeOf(graph.root, 0, false);
  const arrows = arrowsOf(transitions, known);
  for (const { source, target } of initials) arrows.set(`${source}→${target}`, { source, target, lines: [] });
  return {
    graph: { id: '', layoutOptions, children: [root], edges: Array.from(arrows, ([id, arrow]) => edgeOf(id, arrow)) },
    boxes,
    arrows,
  };
}

/** The dot from which the arrow to the initial state starts; no id of a state ends like this. */
export function initialId(state: string): string {
  return `${state}\u0000initial`;
}

function edgeOf(id: string, { source, target, lines }: ArrowPlan) {
  const label = {
    text: id,
    width: Math.max(0, ...lines.map(({ text }) => widthOf(text))) + 8,
    height: lines.length * lineHeight + 2,
  };
  return { id, sources: [source], targets: [target], ...(lines.length > 0 ? { labels: [label] } : {}) };
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
function arrowsOf(transitions: readonly GraphTransition[], known: ReadonlySet<string>): Map<string, ArrowPlan> {
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
  return new Map(
    Array.from(bundles, ([id, { source, target, transitions }]) => [
      id,
      { source, target, lines: shortened(linesOf(transitions)) },
    ]),
  );
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
