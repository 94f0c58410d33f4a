/**
 * A list that the server gives out page by page, each knowing where the next begins.
 *
 * Pages are asked for one after the other as one scrolls, and those in sight
 * again now and then, since states change. An answer that nobody waits for any
 * more (the search was changed meanwhile) is ignored.
 */
import type { ErrorFrame, ListFrame } from '../../protocol.ts';
import { busyMs } from './model.ts';
import type { ListQuery } from './route.ts';

export type ListItem = ListFrame['items'][number];

export interface Page {
  readonly after: string | undefined;
  readonly items: readonly ListItem[];
  readonly next: string | undefined;
  readonly answeredAt: number;
}

export interface Pages {
  readonly query: ListQuery;
  readonly pages: readonly Page[];
  /** The one request that is on its way. */
  readonly pending: { readonly request: number; readonly page: number; readonly at: number } | undefined;
  /** What cannot be listed, in the server's words. */
  readonly problem: string | undefined;
  /** The server was too busy: when it may be asked again. */
  readonly againAt?: number | undefined;
}

/** Which rows are in sight; the first row is 0. */
export interface Sight {
  readonly first: number;
  readonly last: number;
}

export const pageSize = 100;
const refreshMs = 2_000;
const patienceMs = 10_000;
/** Pages that are fetched although nothing was found in them, before one is asked whether to go on. */
const mostEmptyPages = 20;

export function newPages(query: ListQuery): Pages {
  return { query, pages: [], pending: undefined, problem: undefined };
}

/** The page to ask for now, if any, and where it begins. */
export function wantedPage(
  { pages, pending, problem, againAt }: Pages,
  sight: Sight,
  now: number,
): { readonly page: number; readonly after: string | undefined } | undefined {
  if (problem !== undefined || (againAt !== undefined && now < againAt)) return undefined;
  if (pending !== undefined && now - pending.at < patienceMs) return undefined;
  const last = pages.at(-1);
  if (last === undefined) return { page: 0, after: undefined };
  const count = countOf(pages);
  const isNearEnd = sight.last >= count - pageSize / 2;
  if (last.next !== undefined && isNearEnd && !isFruitless(pages)) return { page: pages.length, after: last.next };
  let row = 0;
  for (const [index, { items, answeredAt, after }] of pages.entries()) {
    const isInSight = row <= sight.last && row + items.length >= sight.first;
    if (isInSight && now - answeredAt >= refreshMs) return { page: index, after };
    row += items.length;
  }
  return undefined;
}

export function asked(pages: Pages, request: number, page: number, at: number): Pages {
  return { ...pages, pending: { request, page, at }, againAt: undefined };
}

export function answered(list: Pages, { request, of, items, next }: ListFrame, at: number): Pages {
  const { pending, query, pages } = list;
  if (pending?.request !== request || of !== query.of) return list;
  const page: Page = {
    after: pages[pending.page]?.after ?? pages[pending.page - 1]?.next,
    items,
    next,
    answeredAt: at,
  };
  const before = pages.slice(0, pending.page);
  const [following, ...rest] = pages.slice(pending.page + 1);
  // Without a next page there is nothing behind; with another one, what is behind is asked for again when in sight.
  const behind =
    next === undefined || following === undefined
      ? []
      : [following.after === next ? following : { ...following, after: next, answeredAt: 0 }, ...rest];
  return { ...list, pages: [...before, page, ...behind], pending: undefined, problem: undefined };
}

export function refused(list: Pages, { request, code, message }: ErrorFrame, at: number): Pages {
  if (request === undefined || list.pending?.request !== request) return list;
  const answered = { ...list, pending: undefined };
  return code === 'busy' ? { ...answered, againAt: at + busyMs } : { ...answered, problem: message };
}

/** All items, each once: while pages are renewed, one may for a moment stand on two of them. */
export function itemsOf({ pages }: Pages): readonly ListItem[] {
  const seen = new Set<string>();
  return pages.flatMap(({ items }) =>
    items.filter((item) => {
      const key = keyOf(item);
      return !seen.has(key) && seen.add(key);
    }),
  );
}

/** Two services may have one name while the one takes the place of the other. */
export function keyOf(item: ListItem): string {
  if ('id' in item) return item.id;
  if ('name' in item) return item.name;
  return 'group' in item ? item.group : item.sessionId;
}

export function hasMore({ pages }: Pages): boolean {
  return pages.length === 0 || pages.at(-1)?.next !== undefined;
}

/** Whether the search has looked through much and found nothing lately: it goes on only when asked. */
export function isFruitless(pages: readonly Page[]): boolean {
  return pages.length >= mostEmptyPages && pages.slice(-mostEmptyPages).every(({ items }) => items.length === 0);
}

/** Goes on with a search that found nothing for long, by forgetting the pages that were empty. */
export function goOn(list: Pages): Pages {
  const lastFull = list.pages.findLastIndex(({ items }) => items.length > 0);
  const last = list.pages.at(-1);
  return last === undefined ? list : { ...list, pages: [...list.pages.slice(0, lastFull + 1), last] };
}

const countOf = (pages: readonly Page[]): number => pages.reduce((sum, { items }) => sum + items.length, 0);
