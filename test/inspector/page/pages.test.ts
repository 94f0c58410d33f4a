import { describe, expect, it } from 'vitest';
import type { ErrorFrame } from '../../../src/inspector/protocol.ts';
import {
  answered,
  asked,
  goOn,
  hasMore,
  itemsOf,
  keyOf,
  newPages,
  refused,
  wantedPage,
  type Pages,
} from '../../../src/inspector/page/state/pages.ts';
import { windowOf } from '../../../src/inspector/page/state/window.ts';
import { connectionItem } from './frames.ts';

const top = { first: 0, last: 10 };
const list = newPages({ of: 'connections' });
const items = (from: number, count = 100) =>
  Array.from({ length: count }, (_, index) => connectionItem(`c${from + index}`));

/** Page `page` of `pages` is asked for and answered at `at`. */
function filled(pages: Pages, page: number, from: number, next: string | undefined, at = 0, count = 100): Pages {
  const frame = { type: 'troupe.list', request: 1, of: 'connections', items: items(from, count) } as const;
  return answered(asked(pages, 1, page, at), next === undefined ? frame : { ...frame, next }, at);
}

const refusal = (code: ErrorFrame['code'], message: string): ErrorFrame => ({
  type: 'troupe.error',
  request: 1,
  code,
  message,
});

const two = filled(filled(list, 0, 0, 'a'), 1, 100, 'b');
const idsOf = (pages: Pages) => itemsOf(pages).map((item) => 'id' in item && item.id);

describe('a list that is given out page by page', () => {
  it('begins with the first page', () => {
    expect(wantedPage(list, top, 0)).toEqual({ page: 0, after: undefined });
  });

  it('asks for one page at a time', () => {
    expect(wantedPage(asked(list, 1, 0, 0), top, 5_000)).toBeUndefined();
  });

  it('asks again for what was never answered', () => {
    expect(wantedPage(asked(list, 1, 0, 0), top, 10_000)).toEqual({ page: 0, after: undefined });
  });

  it('asks for the next page when one has scrolled near the end', () => {
    expect(wantedPage(two, top, 0)).toBeUndefined();
    expect(wantedPage(two, { first: 150, last: 160 }, 0)).toEqual({ page: 2, after: 'b' });
  });

  it('asks for no page behind the last one', () => {
    const whole = filled(two, 2, 200, undefined);
    expect(wantedPage(whole, { first: 290, last: 299 }, 0)).toBeUndefined();
    expect(hasMore(whole)).toBe(false);
  });

  it('renews what is in sight every two seconds, and nothing else', () => {
    const far = filled(two, 2, 200, 'c');
    expect(wantedPage(far, { first: 120, last: 130 }, 1_999)).toBeUndefined();
    expect(wantedPage(far, { first: 120, last: 130 }, 2_000)).toEqual({ page: 1, after: 'a' });
  });

  it('ignores an answer that nobody waits for any more', () => {
    const late = { type: 'troupe.list', request: 7, of: 'connections', items: items(0) } as const;
    expect(answered(asked(list, 8, 0, 0), late, 0).pages).toEqual([]);
  });

  it('shows a connection once, although a renewed page has moved up to it', () => {
    const moved = filled(two, 0, 1, 'a+1', 2_000);
    expect(idsOf(moved)).toHaveLength(199);
    expect(new Set(idsOf(moved)).size).toBe(199);
  });

  it('shows both services of one name while the one takes the place of the other', () => {
    const service = { service: 'chat', route: '/chat/{room}', connections: 0 };
    const items = [
      { ...service, sessionId: 'x:4', state: 'draining' },
      { ...service, sessionId: 'x:9', state: 'running' },
    ];
    const services = asked(newPages({ of: 'services' }), 1, 0, 0);
    const shown = itemsOf(answered(services, { type: 'troupe.list', request: 1, of: 'services', items }, 0));
    expect(shown).toEqual(items);
    expect(new Set(shown.map(keyOf)).size).toBe(2);
  });

  it('asks again for what is behind a page that ends elsewhere now', () => {
    const moved = filled(filled(two, 2, 200, 'c'), 0, 1, 'a+1', 2_000);
    expect(wantedPage(moved, { first: 110, last: 120 }, 2_000)).toEqual({ page: 1, after: 'a+1' });
  });

  it('forgets what was behind a page that is the last one now', () => {
    expect(filled(two, 0, 0, undefined, 2_000, 40).pages).toHaveLength(1);
  });

  it('says what the server says when it cannot be listed, and asks no more', () => {
    const failed = refused(asked(list, 1, 0, 0), refusal('unknown', 'There is no such group.'), 0);
    expect(failed.problem).toBe('There is no such group.');
    expect(wantedPage(failed, top, 60_000)).toBeUndefined();
  });

  it('leaves a server alone for two seconds that was only busy, and then asks again', () => {
    const busy = refused(asked(list, 1, 0, 0), refusal('busy', 'too many requests'), 5_000);
    expect(wantedPage(busy, top, 6_999)).toBeUndefined();
    expect(wantedPage(busy, top, 7_000)).toEqual({ page: 0, after: undefined });
  });

  it('stops looking when twenty pages in a row were empty, and goes on when told to', () => {
    let looked = list;
    for (let page = 0; page < 20; page += 1) looked = filled(looked, page, 0, `p${page}`, 0, 0);
    expect(wantedPage(looked, top, 0)).toBeUndefined();
    expect(wantedPage(goOn(looked), top, 0)).toEqual({ page: 1, after: 'p19' });
  });

  it('holds fifty thousand connections', () => {
    let all = list;
    for (let page = 0; page < 500; page += 1)
      all = filled(all, page, page * 100, page === 499 ? undefined : `p${page}`);
    expect(itemsOf(all)).toHaveLength(50_000);
  });
});

describe('the rows that are drawn', () => {
  it('are those in sight and a few around them, however many there are', () => {
    const { first, end, offset, height } = windowOf(50_000, 50, 1_000_000, 500);
    expect([first, end]).toEqual([19_992, 20_018]);
    expect(offset).toBe(first * 50);
    expect(height).toBe(2_500_000);
  });

  it('are none of an empty list', () => {
    expect(windowOf(0, 50, 0, 500)).toMatchObject({ first: 0, end: 0, height: 0 });
  });

  it('end with the list, also while one has scrolled beyond a list that became shorter', () => {
    expect(windowOf(10, 50, 5_000, 500)).toMatchObject({ first: 1, end: 10 });
  });
});
