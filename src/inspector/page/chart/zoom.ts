/**
 * How large a chart is drawn, in pixels for each unit of its layout, and what is written in it at that size.
 *
 * A chart that is drawn small is a map: titles are as large as they can be read and as their boxes let them, what is
 * active is named whatever the room, and the small print is left out.
 */
import type { Box } from './svg-model.ts';
import { fontSize, widthOf } from './text.ts';

/** All of it in sight, or a scale. */
export type Zoom = 'fit' | number;

interface Size {
  readonly width: number;
  readonly height: number;
}

const least = 0.1;
const most = 3;
const step = 1.25;
/** In pixels. */
const readable = 10;
/** Of a pane, in pixels: that of a phone. Panes that stand beside each other are wider. */
const narrow = 380;
const smallestPrint = 6;
const largestTitle = 4;

/** The scale at which all of `chart` is in sight in `pane`; never larger than it was laid out. */
export function scaleToFit(chart: Size, pane: Size): number {
  return Math.min(1, pane.width / Math.max(1, chart.width), pane.height / Math.max(1, chart.height));
}

/** How a chart is drawn at first: as a whole, but on a narrow screen so that its labels can be read. */
export function startZoom(chart: Size, pane: Size): Zoom {
  const fit = scaleToFit(chart, pane);
  return pane.width < narrow && !hasSmallPrint(fit) ? readable / fontSize : 'fit';
}

/** The scale that is `steps` steps larger than `scale`, or smaller. */
export function zoomedBy(scale: number, steps: number): number {
  return Math.min(most, Math.max(least, scale * step ** steps));
}

/** Whether lines within boxes and at arrows can be read. */
export function hasSmallPrint(scale: number): boolean {
  return fontSize * scale >= smallestPrint;
}

/** How many times larger than laid out titles are to be, so that they can be read. */
export function wantedTitle(scale: number): number {
  return Math.min(largestTitle, Math.max(1, readable / (fontSize * scale)));
}

/** As `wantedTitle`, as far as the box has room for it. */
export function titleIn({ width, height, plan }: Box, scale: number): number {
  // The lines beneath it are where they are.
  if (plan.lines.length > 0 && hasSmallPrint(scale)) return 1;
  const isLeaf = plan.state.states.length === 0;
  const room = (width - 12) / widthOf(plan.title);
  return Math.max(1, Math.min(wantedTitle(scale), room, isLeaf ? (height - 4) / (fontSize * 1.25) : 2.6));
}
