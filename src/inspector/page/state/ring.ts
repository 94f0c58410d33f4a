/** The latest of many things, bounded in number and in size. */

export interface Ring<Item> {
  readonly items: readonly Item[];
  /** How many were let go of. */
  readonly dropped: number;
}

export interface RingBounds<Item> {
  readonly count: number;
  /** In whatever unit `sizeOf` counts. */
  readonly size?: number;
  readonly sizeOf?: (item: Item) => number;
}

const empty: Ring<never> = { items: [], dropped: 0 };

export function emptyRing<Item>(): Ring<Item> {
  return empty;
}

/** With `item` at its end, and without the oldest ones that are then too many; the latest always stays. */
export function pushed<Item>(ring: Ring<Item>, item: Item, bounds: RingBounds<Item>): Ring<Item> {
  return trimmed({ items: [...ring.items, item], dropped: ring.dropped }, bounds);
}

/** With `item` in the place of the one at `index`. */
export function replaced<Item>(ring: Ring<Item>, index: number, item: Item, bounds: RingBounds<Item>): Ring<Item> {
  return trimmed({ items: ring.items.with(index, item), dropped: ring.dropped }, bounds);
}

/** Without the one at its end, as if that had never been there. */
export function withoutLast<Item>({ items, dropped }: Ring<Item>): Ring<Item> {
  return { items: items.slice(0, -1), dropped };
}

function trimmed<Item>(ring: Ring<Item>, { count, size = Infinity, sizeOf = () => 0 }: RingBounds<Item>): Ring<Item> {
  const { items } = ring;
  let first = items.length;
  let total = 0;
  while (first > 0 && items.length - first < count) {
    const item = items[first - 1];
    if (item !== undefined) total += sizeOf(item);
    if (total > size && first < items.length) break;
    first -= 1;
  }
  return first === 0 ? ring : { items: items.slice(first), dropped: ring.dropped + first };
}
