/**
 * None, one or several of something of which there is mostly one.
 *
 * A `Set` takes some 200 bytes, whatever is in it; one of something takes none.
 */
export type Few<T extends Item> = T | Set<T> | undefined;

/** Anything that is no set. */
type Item = string | { readonly name: string };

/** `few` and `item`; a set is changed in place. */
export function withItem<T extends Item>(few: Few<T>, item: T): Few<T> {
  if (few === undefined || few === item) return item;
  return few instanceof Set ? few.add(item) : new Set([few, item]);
}

/** `few` without `item`; a set is changed in place. */
export function withoutItem<T extends Item>(few: Few<T>, item: T): Few<T> {
  if (few === item) return undefined;
  if (!(few instanceof Set)) return few;
  few.delete(item);
  return few.size === 0 ? undefined : few;
}

/** To walk over. */
export function itemsOf<T extends Item>(few: Few<T>): Iterable<T> {
  if (few === undefined) return [];
  return few instanceof Set ? few : [few];
}
