/** Goes through many things in slices, a turn of the event loop for each, so that nothing else waits for long. */

const SLICE = 1000;

/** How many entries behind its start one page looks at; a search goes on with the next page. */
export const MAX_EXAMINED = 20_000;

/** How something is gone through. */
export interface Manner {
  /** Whether nobody wants to know any more. */
  isOver(): boolean;
  /** Does a slice of the work, when there is time for it. */
  slice<Result>(work: () => Result): Promise<Result>;
}

/** Goes on in the next turn, to the end. */
export const inTurns: Manner = {
  isOver: () => false,
  async slice(work) {
    const result = work();
    await turn();
    return result;
  },
};

/** Calls `visit` with each entry until it says `true`, or it is over. */
export async function walk<Entry>(
  entries: Iterable<Entry>,
  visit: (entry: Entry) => boolean,
  manner: Manner = inTurns,
): Promise<void> {
  const iterator = entries[Symbol.iterator]();
  const goOn = (): boolean => {
    for (let seen = 0; seen < SLICE; seen++) {
      const next = iterator.next();
      if (next.done === true || visit(next.value)) return true;
    }
    return false;
  };
  while (!(await manner.slice(goOn))) if (manner.isOver()) return;
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
  manner: Manner,
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
    manner,
  );
  return { items, ...(next !== undefined && { next }) };
}
