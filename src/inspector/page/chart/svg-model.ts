/** What came back from ELK, and the plan that it was made from → what is drawn, in the order in which it is drawn. */
import type { ElkEdge, ElkNode, ElkPoint } from './elk-types.ts';
import { stateOfDot, type BoxPlan, type ChartPlan, type Line } from './plan.ts';
import { lineHeight } from './text.ts';

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly plan: BoxPlan;
}

export interface Dot {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export interface PlacedLine extends Line {
  readonly x: number;
  readonly y: number;
}

export interface Arrow {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** Leads to where a state begins. */
  readonly isInitial: boolean;
  readonly path: string;
  /** All transitions that share this arrow. */
  readonly transitions: readonly string[];
  readonly lines: readonly PlacedLine[];
}

export interface SvgModel {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly boxes: readonly Box[];
  readonly dots: readonly Dot[];
  readonly arrows: readonly Arrow[];
}

const radius = 6;
/** Room for half of the outline. */
const margin = 2;

/** Puts `laidOut`, the answer to `elkGraph(plan)`, and `plan` together. */
export function svgModel(plan: ChartPlan, laidOut: ElkNode): SvgModel {
  const boxes: Box[] = [];
  const dots: Dot[] = [];
  const edges: ElkEdge[] = [];
  const visit = (node: ElkNode): void => {
    const { x = 0, y = 0, width = 0, height = 0 } = node;
    const box = plan.boxes.get(node.id);
    if (box !== undefined) boxes.push({ id: node.id, x, y, width, height, plan: box });
    else if (stateOfDot(node.id) !== undefined) dots.push({ id: node.id, x: x + width / 2, y: y + height / 2 });
    edges.push(...(node.edges ?? []));
    for (const child of node.children ?? []) visit(child);
  };
  visit(laidOut);
  return {
    width: Math.ceil((laidOut.width ?? 0) + margin),
    height: Math.ceil((laidOut.height ?? 0) + margin),
    boxes,
    dots,
    arrows: edges.flatMap((edge) => arrowOf(plan, edge)),
  };
}

function arrowOf(plan: ChartPlan, { id, sections = [], labels = [] }: ElkEdge): readonly Arrow[] {
  const arrow = plan.arrows.get(id);
  if (arrow === undefined || sections.length === 0) return [];
  const [label] = labels;
  const lines = arrow.lines.map((line, index) => ({
    ...line,
    x: (label?.x ?? 0) + 4,
    y: (label?.y ?? 0) + (index + 1) * lineHeight - 4,
  }));
  return [
    {
      id,
      source: arrow.source,
      target: arrow.target,
      isInitial: stateOfDot(arrow.source) !== undefined,
      path: sections
        .map(({ startPoint, bendPoints = [], endPoint }) => pathOf([startPoint, ...bendPoints, endPoint]))
        .join(' '),
      transitions: arrow.lines.flatMap(({ transitions }) => transitions),
      lines,
    },
  ];
}

/** A line through `points` whose corners are rounded, as the `d` of an SVG path. */
export function pathOf(points: readonly ElkPoint[]): string {
  const parts: string[] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    const after = points[index + 1];
    if (before === undefined) parts.push(`M${at(point)}`);
    else if (after === undefined) parts.push(`L${at(point)}`);
    else parts.push(`L${at(towards(point, before))} Q${at(point)} ${at(towards(point, after))}`);
  });
  return parts.join(' ');
}

/** A point near `corner` on the way to `other`: the corner's rounding begins there. */
function towards(corner: ElkPoint, other: ElkPoint): ElkPoint {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y);
  if (length === 0) return corner;
  const part = Math.min(radius, length / 2) / length;
  return { x: corner.x + (other.x - corner.x) * part, y: corner.y + (other.y - corner.y) * part };
}

const at = ({ x, y }: ElkPoint): string => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
