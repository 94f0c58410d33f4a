import { describe, expect, it } from 'vitest';
import {
  hasSmallPrint,
  scaleToFit,
  startZoom,
  titleIn,
  wantedTitle,
  zoomedBy,
} from '../../../src/inspector/page/chart/zoom.ts';
import type { Box } from '../../../src/inspector/page/chart/svg-model.ts';

const box = (width: number, height: number, title: string, lines: readonly string[] = []): Box => {
  const state = { id: title, key: title, kind: 'atomic', tags: [], entry: [], exit: [], invoke: [] } as const;
  const plan = {
    state: { ...state, states: [], transitions: [] },
    parent: undefined,
    title,
    lines: lines.map((text) => ({ text, transitions: [] })),
    isRegion: false,
  };
  return { id: title, x: 0, y: 0, width, height, plan };
};

describe('the scale of a chart', () => {
  it('is such that all of it is in sight, and not larger than it was laid out', () => {
    expect(scaleToFit({ width: 1000, height: 500 }, { width: 500, height: 400 })).toBe(0.5);
    expect(scaleToFit({ width: 1000, height: 1000 }, { width: 500, height: 400 })).toBe(0.4);
    expect(scaleToFit({ width: 100, height: 100 }, { width: 500, height: 400 })).toBe(1);
  });

  it('comes back after as many steps out as in, and has its bounds', () => {
    expect(zoomedBy(zoomedBy(0.5, 3), -3)).toBeCloseTo(0.5);
    expect([zoomedBy(1, 50), zoomedBy(1, -50)]).toEqual([3, 0.1]);
  });
});

describe('a chart at first', () => {
  const lifecycle = { width: 2000, height: 1000 };

  it('is drawn as a whole, be it as a map', () => {
    expect(startZoom(lifecycle, { width: 400, height: 500 })).toBe('fit');
    expect(startZoom({ width: 400, height: 300 }, { width: 320, height: 500 })).toBe('fit');
  });

  it('is drawn so that labels can be read where the screen is too narrow for a map', () => {
    const zoom = startZoom(lifecycle, { width: 320, height: 500 });
    expect(Number(zoom) * 12).toBeCloseTo(10);
    expect(hasSmallPrint(Number(zoom))).toBe(true);
  });
});

describe('what is written in a chart', () => {
  it('is as laid out where it can be read', () => {
    expect(hasSmallPrint(1)).toBe(true);
    expect(titleIn(box(200, 34, 'open'), 1)).toBe(1);
  });

  it('is titles alone where it is small, as large as they can be read and their boxes let them', () => {
    expect(hasSmallPrint(0.3)).toBe(false);
    expect(wantedTitle(0.3) * 12 * 0.3).toBeCloseTo(10);
    expect(titleIn(box(400, 100, 'open'), 0.3)).toBeCloseTo(wantedTitle(0.3));
    expect(titleIn(box(60, 34, 'open'), 0.3)).toBeLessThan(1.7);
  });

  it('leaves lines beneath a title the room that they have', () => {
    expect(titleIn(box(400, 100, 'open', ['ws.text']), 0.6)).toBe(1);
    expect(titleIn(box(400, 100, 'open'), 0.6)).toBeGreaterThan(1.3);
  });
});
