/**
 * The first keys of an object, and how many there are.
 *
 * There is no way to look at some keys only: all are listed, which takes half a second for a million. So an object of
 * many keys is not listed again before a hundred times as long has passed; what is shown of it until then are the keys
 * that it had, with the values that they have.
 */

export interface Keys {
  readonly first: readonly string[];
  readonly count: number;
}

interface Listed extends Keys {
  readonly until: number;
}

const MANY = 1000;
const REST = 100;

const listed = new WeakMap<object, Listed>();

/** At least the first `most` keys of an object, unless it has fewer. May throw what a proxy throws. */
export function keysOf(value: object, most: number): Keys {
  const begun = performance.now();
  const known = listed.get(value);
  if (known !== undefined && begun < known.until) return known;
  const all = Object.keys(value);
  if (all.length <= MANY) return { first: all, count: all.length };
  const now = performance.now();
  const keys = { first: all.slice(0, most), count: all.length, until: now + (now - begun) * REST };
  listed.set(value, keys);
  return keys;
}
