/** A list of any length of which only what is in sight is in the document. All rows are equally high. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sightOf, windowOf } from '../state/window.ts';
import type { Sight } from '../state/pages.ts';

interface RowsProperties<Item> {
  readonly label: string;
  readonly items: readonly Item[];
  readonly rowHeight: number;
  /** How many there are in all, if more than `items`; -1: not known. */
  readonly total?: number;
  readonly keyOf: (item: Item) => string | number;
  readonly row: (item: Item) => ComponentChildren;
  readonly onSight?: (sight: Sight) => void;
}

export function Rows<Item>(properties: RowsProperties<Item>) {
  const { label, items, rowHeight, total = items.length, keyOf, row, onSight } = properties;
  const box = useRef<HTMLDivElement>(null);
  const [{ top, height }, see] = useState({ top: 0, height: 600 });
  const look = (): void => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    see((before) =>
      before.top === scrollTop && before.height === clientHeight ? before : { top: scrollTop, height: clientHeight },
    );
  };
  useEffect(() => {
    look();
    const observer = new ResizeObserver(look);
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const sight = sightOf(items.length, rowHeight, top, height);
  useEffect(() => onSight?.(sight), [sight.first, sight.last]);
  const { first, end, offset, height: whole } = windowOf(items.length, rowHeight, top, height);
  // Without rows there is nothing to scroll in.
  return (
    <div class="rows" hidden={items.length === 0} ref={box} onScroll={look} tabIndex={0} role="list" aria-label={label}>
      <div class="rows-whole" role="presentation" style={{ height: `${whole}px` }}>
        <div class="rows-window" role="presentation" style={{ transform: `translateY(${offset}px)` }}>
          {items.slice(first, end).map((item, index) => (
            <div
              key={keyOf(item)}
              class="row-item"
              role="listitem"
              aria-posinset={first + index + 1}
              aria-setsize={total}
              style={{ height: `${rowHeight}px` }}
            >
              {row(item)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
