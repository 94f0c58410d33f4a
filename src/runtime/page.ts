/** Pages of registries that change while they are read. */
import { TroupeRangeError } from '../errors.ts';
import type { Page, PageRequest } from '../service/outcome.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const CURSOR = /^\d{1,15}$/;

/**
 * One page of `entries`, which are in the rising order of their ordinals.
 *
 * The cursor is an ordinal, so what is there during the whole walk is listed
 * exactly once, whatever comes and goes between two pages.
 */
export function pageOf<Entry, Item>(
  entries: Iterable<Entry>,
  ordinalOf: (entry: Entry) => number,
  itemOf: (entry: Entry) => Item,
  request: PageRequest = {},
): Page<Item> {
  checkPage(request);
  const { limit = DEFAULT_LIMIT, after } = request;
  const from = after === undefined ? -1 : Number(after);
  const items: Item[] = [];
  let last = from;
  for (const entry of entries) {
    const ordinal = ordinalOf(entry);
    if (ordinal <= from) continue;
    if (items.length === limit) return { items, next: String(last) };
    items.push(itemOf(entry));
    last = ordinal;
  }
  return { items };
}

/** @throws {TroupeRangeError} TROUPE_ARGUMENT_INVALID */
export function checkPage({ limit = DEFAULT_LIMIT, after }: PageRequest): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', {
      argument: 'limit',
      expected: `a whole number from 1 to ${MAX_LIMIT}`,
      received: String(limit),
    });
  }
  if (after !== undefined && !CURSOR.test(after)) {
    throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', {
      argument: 'after',
      expected: 'the `next` of the page before',
      received: JSON.stringify(after),
    });
  }
}
