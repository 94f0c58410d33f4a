/**
 * A plan of a chart → what elkjs lays out: sizes, and what leads where.
 *
 * All that is drawn but does not move (titles, lines within a box) stays in the
 * plan; `svg-model.ts` puts the two together again.
 */
import type { GraphState } from '../../protocol.ts';
import type { ElkEdge, ElkNode } from './elk-types.ts';
import { grouped } from './grouped.ts';
import { dotOf, stateOfDot, type ArrowPlan, type BoxPlan, type ChartPlan } from './plan.ts';
import { lineHeight, widthOf } from './text.ts';

/** Above this no picture is made: it would take minutes and nobody could read it. The table shows everything. */
export const mostStates = 400;
const side = 12;
const titleHeight = 24;
const dotSize = 10;
/** The graph around the machine itself. */
const outermost = '';

/** Options hold for the children of one node; nested nodes do not inherit them. */
const layered = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.edgeRouting': 'ORTHOGONAL',
} as const;

/** Regions that no arrow leaves are laid out each by itself, and then packed together. */
const packed = {
  'elk.algorithm': 'rectpacking',
  'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
  'elk.spacing.nodeNode': '16',
  'elk.aspectRatio': '0.8',
} as const;

const nowhere = '[top=0,left=0,bottom=0,right=0]';

const root = {
  ...layered,
  // Everything measured from the corner of the picture.
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
} as const;

export function elkGraph({ boxes, arrows }: ChartPlan): ElkNode {
  const families = new Families(boxes);
  const edges = grouped(arrows, ([, arrow]) => families.around(arrow));
  const left = families.left(arrows.values());
  const edgesIn = (id: string): readonly ElkEdge[] => (edges.get(id) ?? []).map(([id, arrow]) => edgeOf(id, arrow));

  const nodeOf = (state: GraphState): ElkNode => {
    const { width, height, top } = sizeOf(boxes.get(state.id));
    if (state.states.length === 0) return { id: state.id, width, height };
    const hasDot = arrows.size > 0 && Array.from(arrows.values()).some(({ source }) => source === dotOf(state.id));
    const dots = hasDot ? [{ id: dotOf(state.id), width: dotSize, height: dotSize }] : [];
    const isFree = ({ id }: GraphState): boolean => state.kind === 'parallel' && !hasDot && !left.has(id);
    const free = state.states.filter(isFree).map(nodeOf);
    const bound = state.states.filter((child) => !isFree(child)).map(nodeOf);
    const isPacked = free.length > 0 && bound.length === 0;
    const aside = { id: `${state.id}\u0001`, children: free, layoutOptions: { ...packed, 'elk.padding': nowhere } };
    return {
      id: state.id,
      children: isPacked ? free : [...dots, ...bound, ...(free.length > 0 ? [aside] : [])],
      edges: edgesIn(state.id),
      layoutOptions: {
        ...(isPacked ? packed : layered),
        'elk.padding': `[top=${top + 10},left=14,bottom=14,right=14]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width}, ${top + 30})`,
      },
    };
  };

  const [machine] = boxes.values();
  const children = machine === undefined ? [] : [nodeOf(machine.state)];
  return { id: outermost, layoutOptions: root, children, edges: edgesIn(outermost) };
}

function sizeOf(box: BoxPlan | undefined): { readonly width: number; readonly height: number; readonly top: number } {
  const { title, lines } = box ?? { title: '', lines: [] };
  const texts = [title, ...lines.map(({ text }) => text)];
  const top = titleHeight + lines.length * lineHeight + (lines.length > 0 ? 6 : 0);
  return { width: Math.max(64, ...texts.map((text) => widthOf(text) + 2 * side)), height: Math.max(34, top + 4), top };
}

function edgeOf(id: string, { source, target, lines }: ArrowPlan): ElkEdge {
  const width = Math.max(0, ...lines.map(({ text }) => widthOf(text))) + 8;
  const label = { text: id, width, height: lines.length * lineHeight + 2 };
  return { id, sources: [source], targets: [target], ...(lines.length > 0 ? { labels: [label] } : {}) };
}

/** What lies in what. */
class Families {
  readonly #boxes: ChartPlan['boxes'];

  constructor(boxes: ChartPlan['boxes']) {
    this.#boxes = boxes;
  }

  /** The node whose layout has to draw the arrow: the innermost one around both of its ends. */
  around({ source, target }: ArrowPlan): string {
    const [line, other] = [this.#line(source), this.#line(target)];
    // An arrow between a state and one within it is drawn inside of the outer one.
    if (source !== target && line.includes(target)) return target;
    if (source !== target && other.includes(source)) return source;
    return line.find((id) => id !== source && other.includes(id)) ?? outermost;
  }

  /** The states whose border is crossed by an arrow, or at which one from elsewhere begins or ends. */
  left(arrows: Iterable<ArrowPlan>): ReadonlySet<string> {
    const left = new Set<string>();
    for (const { source, target } of arrows) {
      const [line, other] = [this.#line(source), this.#line(target)];
      for (const id of line) if (!other.includes(id)) left.add(id);
      for (const id of other) if (!line.includes(id)) left.add(id);
    }
    return left;
  }

  /** The state (or dot) itself, what it lies in, and so on outwards. */
  #line(id: string): readonly string[] {
    const line = [id];
    let parent = stateOfDot(id) ?? this.#boxes.get(id)?.parent;
    while (parent !== undefined) {
      line.push(parent);
      parent = this.#boxes.get(parent)?.parent;
    }
    return line;
  }
}
