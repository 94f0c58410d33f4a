/**
 * What a chart is looked at through: all of it at first, or what happens in it where the screen is narrow; then as near
 * as somebody zooms, moved by scrolling (with a finger, the wheel, arrow keys) or by dragging. What happens is scrolled into sight, unless somebody has moved there by hand lately.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { scaleToFit, startZoom, zoomedBy, type Zoom } from '../chart/zoom.ts';

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface PaneProperties {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** What is to be in sight. */
  readonly towards: (Rectangle & { readonly id: string }) | undefined;
  /** The picture, an `svg`, at a scale. */
  readonly children: (scale: number) => ComponentChildren;
}

/** A point of the screen, and what of the chart is to stay beneath it. */
interface Anchor {
  readonly clientX: number;
  readonly clientY: number;
  readonly x: number;
  readonly y: number;
}

const handMs = 5_000;
/** Of a wheel, in pixels. */
const wheelStep = 100;
const keys: Readonly<Record<string, number>> = { '+': 1, '=': 1, '-': -1 };

export function Pane({ title, width, height, towards, children }: PaneProperties) {
  const area = useRef<HTMLDivElement>(null);
  const touchedAt = useRef(-handMs);
  const anchor = useRef<Anchor | undefined>(undefined);
  /** What somebody has chosen. */
  const [chosen, setZoom] = useState<Zoom | undefined>(undefined);
  const [pane, setPane] = useState({ width: 0, height: 0 });
  const zoom = chosen ?? startZoom({ width, height }, pane);
  const fit = scaleToFit({ width, height }, pane);
  const scale = zoom === 'fit' ? fit : zoom;
  const touch = (): void => {
    touchedAt.current = performance.now();
  };

  useLayoutEffect(() => {
    const { current } = area;
    if (current === null) return;
    const measure = (): void => {
      const { maxHeight } = getComputedStyle(current);
      const now = { width: current.offsetWidth, height: Number.parseFloat(maxHeight) };
      setPane((before) => (before.width === now.width && before.height === now.height ? before : now));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      removeEventListener('resize', measure);
    };
  }, []);

  /** What is at that point stays there; without one, what is in the middle. */
  const zoomBy = (steps: number, at?: { readonly clientX: number; readonly clientY: number }): void => {
    const { current } = area;
    const picture = current?.firstElementChild;
    if (current === null || !picture) return;
    touch();
    const sight = current.getBoundingClientRect();
    const { clientX, clientY } = at ?? { clientX: sight.x + sight.width / 2, clientY: sight.y + sight.height / 2 };
    const { x, y } = picture.getBoundingClientRect();
    anchor.current = { clientX, clientY, x: (clientX - x) / scale, y: (clientY - y) / scale };
    setZoom(zoomedBy(scale, steps));
  };

  useLayoutEffect(() => {
    const { current } = area;
    const picture = current?.firstElementChild;
    if (current === null || !picture || anchor.current === undefined) return;
    const { clientX, clientY, x, y } = anchor.current;
    anchor.current = undefined;
    const now = picture.getBoundingClientRect();
    current.scrollBy({ left: now.x + x * scale - clientX, top: now.y + y * scale - clientY, behavior: 'instant' });
  }, [scale]);

  // The listener has to be one that may prevent the browser's own zoom, and it has to know the scale of now.
  useEffect(() => {
    const { current } = area;
    const onWheel = (event: WheelEvent): void => {
      touch();
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoomBy(-event.deltaY / wheelStep, event);
    };
    current?.addEventListener('wheel', onWheel, { passive: false });
    return () => current?.removeEventListener('wheel', onWheel);
  });

  useEffect(() => {
    const { current } = area;
    if (current === null || towards === undefined || zoom === 'fit') return;
    if (performance.now() - touchedAt.current < handMs) return;
    current.scrollTo({
      left: (towards.x + towards.width / 2) * scale - current.clientWidth / 2,
      top: (towards.y + towards.height / 2) * scale - current.clientHeight / 2,
    });
  }, [towards?.id, width, height, zoom === 'fit', pane.width > 0]);

  const onKeyDown = (event: KeyboardEvent): void => {
    touch();
    const steps = keys[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps !== undefined) zoomBy(steps);
    else if (event.key === '0') setZoom('fit');
  };

  const onPointerDown = (event: PointerEvent): void => {
    touch();
    // Fingers scroll by themselves.
    if (event.pointerType === 'mouse' && event.button === 0) area.current?.setPointerCapture(event.pointerId);
  };

  const onPointerMove = ({ pointerId, movementX, movementY }: PointerEvent): void => {
    if (area.current?.hasPointerCapture(pointerId) !== true) return;
    touch();
    area.current.scrollBy({ left: -movementX, top: -movementY, behavior: 'instant' });
  };

  return (
    <>
      <div
        class={zoom === 'fit' ? 'pane whole' : 'pane'}
        ref={area}
        tabIndex={0}
        role="region"
        aria-label={`${title}, picture; plus and minus zoom, 0 shows all of it`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onKeyDown={onKeyDown}
      >
        {pane.width > 0 && children(scale)}
      </div>
      <div class="zoom" role="group" aria-label={`Zoom of ${title}`}>
        <button type="button" class="quiet" aria-label="Zoom out" onClick={() => zoomBy(-1)}>
          −
        </button>
        <span class="note scale">{Math.round(scale * 100)} %</span>
        <button type="button" class="quiet" aria-label="Zoom in" onClick={() => zoomBy(1)}>
          +
        </button>
        <button type="button" class="quiet" disabled={zoom === 'fit'} onClick={() => setZoom('fit')}>
          Fit
        </button>
        <button
          type="button"
          class="quiet"
          disabled={scale === 1}
          onClick={() => zoomBy(Math.log(1 / scale) / Math.log(1.25))}
        >
          Full size
        </button>
      </div>
    </>
  );
}
