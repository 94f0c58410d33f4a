/** A machine's chart: laid out in the worker, drawn as SVG, with what is active lit and the edge just taken flashing. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Described, Graph, GraphState } from '../../protocol.ts';
import { activeStates, nameOfState, statesOf, transitionsTaken } from '../chart/graph.ts';
import type { Arrow, Box, SvgModel } from '../chart/svg-model.ts';
import { fontSize, lineHeight, widthOf } from '../chart/text.ts';
import { hasSmallPrint, titleIn, wantedTitle } from '../chart/zoom.ts';
import type { Flash } from '../state/watched.ts';
import { ChartTable } from './chart-table.tsx';
import { useLayouter } from './context.ts';
import { Pane } from './pane.tsx';
import { Picture } from './picture.tsx';

export interface Moment {
  readonly value: Described | undefined;
  /** As the server says it, which knows the whole value; what is described of a deep one ends somewhere. */
  readonly active: readonly string[] | undefined;
  /** The edges taken last. */
  readonly flashes: readonly Flash[];
  /** What is to be known of the moment: that it is in the past, say. */
  readonly note: string;
}

interface ChartProperties {
  readonly title: string;
  readonly graph: Graph;
  readonly moment: Moment;
}

export function Chart({ title, graph, moment }: ChartProperties) {
  const active = useMemo(
    () => (moment.active === undefined ? activeStates(graph, moment.value) : new Set(moment.active)),
    [graph, moment.value, moment.active],
  );
  const latest = moment.flashes.at(-1)?.moment;
  const taken = useMemo(
    () =>
      new Map(
        moment.flashes.flatMap((flash) => transitionsTaken(graph, flash.edge).map((id) => [id, flash.moment] as const)),
      ),
    [graph, moment.flashes],
  );
  const last = new Set(Array.from(taken).flatMap(([id, at]) => (at === latest ? [id] : [])));
  return (
    <Picture
      title={title}
      level={3}
      aside={moment.note !== '' && <strong class="past">{moment.note}</strong>}
      picture={() => <Drawing title={title} graph={graph} active={active} taken={taken} last={last} />}
      table={() => <ChartTable title={title} graph={graph} active={active} last={last} />}
    />
  );
}

interface Lit {
  /** The ids of active states. */
  readonly active: ReadonlySet<string>;
  /** Transitions taken lately, with the moment of that. */
  readonly taken: ReadonlyMap<string, number>;
  /** Those of the last step. */
  readonly last: ReadonlySet<string>;
}

function Drawing({ title, graph, ...lit }: Lit & { readonly title: string; readonly graph: Graph }) {
  const { model, problem } = useLayout(graph);
  if (problem !== undefined) {
    return (
      <>
        <p class="note">There is no picture of this chart: {problem}</p>
        <ChartTable title={title} graph={graph} {...lit} />
      </>
    );
  }
  if (model === undefined) return <p class="note">The chart is being laid out …</p>;
  const leaves = Array.from(statesOf(graph.root)).filter(({ id, states }) => states.length === 0 && lit.active.has(id));
  const names = leaves.map(({ id }) => nameOfState(graph, id)).join(', ');
  return (
    <Pane title={title} width={model.width} height={model.height} towards={placeOf(model, leaves, lit)}>
      {(scale) => (
        <svg
          class={hasSmallPrint(scale) ? 'chart' : 'chart map'}
          role="img"
          aria-label={names === '' ? `${title}: no state is active` : `${title}: ${names} active`}
          viewBox={`0 0 ${model.width} ${model.height}`}
          width={model.width * scale}
          height={model.height * scale}
          font-size={fontSize}
        >
          <defs>
            <ArrowHead id="head" scale={scale} />
            <ArrowHead id="head-taken" scale={scale} />
          </defs>
          {model.boxes.map((box) => (
            <BoxShape key={box.id} box={box} isActive={lit.active.has(box.id)} last={lit.last} scale={scale} />
          ))}
          {model.dots.map(({ id, x, y }) => (
            <circle key={id} class="dot" cx={x} cy={y} r="4" />
          ))}
          {model.arrows.map((arrow) => (
            <ArrowShape key={arrow.id} arrow={arrow} lit={lit} />
          ))}
          {model.boxes.map((box) => isNest(box) && <Title key={box.id} box={box} scale={scale} />)}
          {model.boxes.map((box) => isBeacon(box, lit, scale) && <Beacon key={box.id} box={box} scale={scale} />)}
        </svg>
      )}
    </Pane>
  );
}

/** What is to be in sight: where the edge just taken leads to, else the first state that is active. */
function placeOf({ boxes, arrows }: SvgModel, leaves: readonly GraphState[], { last }: Lit): Box | undefined {
  const target = arrows.find(({ transitions }) => transitions.some((id) => last.has(id)))?.target;
  return boxes.find(({ id }) => id === (target ?? leaves[0]?.id));
}

/** Lines are equally thick at every scale, and heads are as large as the line is thick. */
function ArrowHead({ id, scale }: { readonly id: string; readonly scale: number }) {
  const size = Math.min(8, Math.max(4, 8 * scale));
  const sizes = { markerWidth: size, markerHeight: size };
  return (
    <marker id={id} viewBox="0 0 8 8" refX="7" refY="4" {...sizes} orient="auto-start-reverse">
      <path d="M0,0.5 L7.5,4 L0,7.5 z" class={id} />
    </marker>
  );
}

interface BoxProperties {
  readonly box: Box;
  readonly isActive: boolean;
  readonly last: ReadonlySet<string>;
  readonly scale: number;
}

function BoxShape({ box, isActive, last, scale }: BoxProperties) {
  const { x, y, width, height, plan } = box;
  const { state, lines, isRegion } = plan;
  const isLeaf = state.states.length === 0;
  const about = [state.id, state.description, ...state.tags.map((tag) => `#${tag}`)].filter(Boolean).join('\n');
  return (
    <g
      class={`state ${isLeaf ? 'leaf' : 'nest'} ${isRegion ? 'region' : ''} ${isActive ? 'active' : ''}`}
      data-state={state.id}
    >
      <title>{about}</title>
      <rect class="outline" x={x + 1} y={y + 1} width={width - 2} height={height - 2} rx={8} />
      {state.kind === 'final' && (
        <rect class="inline" x={x + 4} y={y + 4} width={width - 8} height={height - 8} rx={5} />
      )}
      {!isNest(box) && <Title box={box} scale={scale} />}
      {lines.map((line, index) => (
        <text
          key={index}
          class={line.transitions.some((id) => last.has(id)) ? 'inner taken' : 'inner'}
          x={x + 12}
          y={y + 20 + (index + 1) * lineHeight + 2}
        >
          {line.text}
        </text>
      ))}
    </g>
  );
}

/** What it is drawn around must not cover its title. */
const isNest = ({ plan }: Box): boolean => plan.state.states.length > 0;

/** In a map, the title of a state without others in it has the box for itself. */
function Title({ box, scale }: { readonly box: Box; readonly scale: number }) {
  const { x, y, width, height, plan } = box;
  const size = titleIn(box, scale) * fontSize;
  const isAlone = !isNest(box) && (plan.lines.length === 0 || !hasSmallPrint(scale));
  return isAlone ? (
    <text
      class="state-title"
      x={x + width / 2}
      y={y + height / 2}
      text-anchor="middle"
      dominant-baseline="central"
      font-size={size}
    >
      {plan.title}
    </text>
  ) : (
    <text class={isNest(box) ? 'state-title nest-title' : 'state-title'} x={x + 12} y={y + 8 + size} font-size={size}>
      {plan.title}
    </text>
  );
}

/** What is active is named so that it can be read, also where its box is too small for that. */
function isBeacon(box: Box, { active }: Lit, scale: number): boolean {
  const isActiveLeaf = active.has(box.id) && !isNest(box);
  return isActiveLeaf && titleIn(box, scale) < wantedTitle(scale);
}

function Beacon({ box, scale }: { readonly box: Box; readonly scale: number }) {
  const size = wantedTitle(scale) * fontSize;
  const [width, height] = [widthOf(box.plan.title) * wantedTitle(scale) + size, size * 1.7];
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  return (
    <g class="beacon" aria-hidden="true">
      <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx={height / 3} />
      <text x={x} y={y} text-anchor="middle" dominant-baseline="central" font-size={size}>
        {box.plan.title}
      </text>
    </g>
  );
}

function ArrowShape({ arrow, lit }: { readonly arrow: Arrow; readonly lit: Lit }) {
  const isTaken = arrow.transitions.some((id) => lit.last.has(id));
  const flash = Math.max(-1, ...arrow.transitions.map((id) => lit.taken.get(id) ?? -1));
  return (
    <g class={`edge ${isTaken ? 'taken' : ''} ${arrow.isInitial ? 'initial' : ''}`}>
      <path d={arrow.path} marker-end={`url(#${isTaken ? 'head-taken' : 'head'})`} />
      {/* With another key it is another element, so that the flash begins anew. */}
      {flash >= 0 && <path key={flash} class="flash" d={arrow.path} />}
      {arrow.lines.map(({ text, x, y, transitions }, index) => (
        <text key={index} class={transitions.some((id) => lit.last.has(id)) ? 'label taken' : 'label'} x={x} y={y}>
          {text}
        </text>
      ))}
    </g>
  );
}

interface Layout {
  readonly model?: SvgModel;
  readonly problem?: string;
}

/** Connections of one service have the same chart: it is laid out once. */
const layouts = new Map<string, Promise<SvgModel>>();
const mostLayouts = 20;

function useLayout(graph: Graph): Layout {
  const layouter = useLayouter();
  const [layout, setLayout] = useState<Layout>({});
  useEffect(() => {
    let isWanted = true;
    const key = JSON.stringify(graph);
    const layingOut = layouts.get(key) ?? layouter.layOut(graph);
    layouts.set(key, layingOut);
    for (const oldest of layouts.keys()) if (layouts.size > mostLayouts) layouts.delete(oldest);
    layingOut.then(
      (model) => isWanted && setLayout({ model }),
      (error: unknown) => {
        layouts.delete(key);
        if (isWanted) setLayout({ problem: error instanceof Error ? error.message : 'the layout failed.' });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [graph]);
  return layout;
}
