/** Which rows of a long list are drawn: those in sight, and a few around them. */
import type { Sight } from './pages.ts';

export interface Window {
  readonly first: number;
  /** The row after the last one. */
  readonly end: number;
  /** Pixels above the first row. */
  readonly offset: number;
  /** Pixels of all rows. */
  readonly height: number;
}

/** Browsers draw nothing beyond some 17 to 33 million pixels; 300 000 rows of 44 px are far below. */
const around = 8;

export function windowOf(count: number, rowHeight: number, scrollTop: number, viewHeight: number): Window {
  const { first, last } = sightOf(count, rowHeight, scrollTop, viewHeight);
  const start = Math.max(0, first - around);
  return {
    first: start,
    end: Math.min(count, last + 1 + around),
    offset: start * rowHeight,
    height: count * rowHeight,
  };
}

export function sightOf(count: number, rowHeight: number, scrollTop: number, viewHeight: number): Sight {
  const highest = Math.max(0, count - 1);
  const first = Math.min(highest, Math.max(0, Math.floor(scrollTop / rowHeight)));
  return { first, last: Math.min(highest, Math.max(first, Math.ceil((scrollTop + viewHeight) / rowHeight) - 1)) };
}
