/** Goes through many things in slices, a turn of the event loop for each, so that nothing else waits for long. */

const SLICE = 1000;

/** How many entries behind its start one page looks at; a search goes on with the next page. */
export const MAX_EXAMINED = 20_000;

/** Calls `visit` with each entry until it says `true`, or `isOver` does. */
export async function walk<Entry>(
  entries: Iterable<Entry>,
  visit: (entry: Entry) => boolean,
  isOver: () => boolean = () => false,
): Promise<void> {
  let seen = 0;
  for (const entry of entries) {
    if (++seen % SLICE === 0) {
      await turn();
      if (isOver()) return;
    }
    if (visit(entry)) return;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What is paged. Cursors are places in a rising order: what is there all the time is listed exactly once. */
export interface Paged<Entry, Item> {
  readonly entries: Iterable<Entry>;
  /** The place of an entry, as text that {@link isBehind} understands. */
  readonly placeOf: (entry: Entry) => string;
  readonly isBehind: (entry: Entry, after: string) => boolean;
  readonly fits: (entry: Entry) => boolean;
  readonly itemOf: (entry: Entry) => Item;
}

export async function pageOf<Entry, Item>(
  { entries, placeOf, isBehind, fits, itemOf }: Paged<Entry, Item>,
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
  isOver: () => boolean,
): Promise<{ readonly items: readonly Item[]; readonly next?: string }> {
  const items: Item[] = [];
  let next: string | undefined;
  let last: string | undefined;
  let examined = 0;
  await walk(
    entries,
    (entry) => {
      if (after !== undefined && !isBehind(entry, after)) return false;
      if (items.length === limit || examined === MAX_EXAMINED) {
        next = last;
        return true;
      }
      examined++;
      last = placeOf(entry);
      if (fits(entry)) items.push(itemOf(entry));
      return false;
    },
    isOver,
  );
  return { items, ...(next !== undefined && { next }) };
}
