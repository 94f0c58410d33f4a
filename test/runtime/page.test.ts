import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageOf } from '../../src/runtime/page.ts';
import type { Page, PageRequest } from '../../src/service/outcome.ts';

interface Entry {
  readonly ordinal: number;
  readonly name: string;
}

function entries(count: number): Entry[] {
  return Array.from({ length: count }, (_, ordinal) => ({ ordinal, name: `entry ${ordinal}` }));
}

function page(of: Iterable<Entry>, request?: PageRequest): Page<string> {
  return pageOf(
    of,
    ({ ordinal }) => ordinal,
    ({ name }) => name,
    request,
  );
}

function invalid(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return (error as { code: string; fields: object }).fields;
  }
  throw new Error('it was accepted');
}

describe('a page', () => {
  it('holds 100 items unless told otherwise', () => {
    const { items, next } = page(entries(150));
    expect(items).toHaveLength(100);
    expect(next).toBe('99');
  });

  it('is the last one when everything fits', () => {
    expect(page(entries(3), { limit: 3 })).toEqual({ items: ['entry 0', 'entry 1', 'entry 2'] });
    expect(page([])).toEqual({ items: [] });
  });

  it('goes on behind the one before', () => {
    const first = page(entries(5), { limit: 2 });
    expect(first).toEqual({ items: ['entry 0', 'entry 1'], next: '1' });
    const second = page(entries(5), { limit: 2, after: '1' });
    expect(second).toEqual({ items: ['entry 2', 'entry 3'], next: '3' });
    expect(page(entries(5), { limit: 2, after: '3' })).toEqual({ items: ['entry 4'] });
  });

  it('goes on although the last entry of the page before is gone', () => {
    const left = entries(5).filter(({ ordinal }) => ordinal !== 1);
    expect(page(left, { limit: 2, after: '1' }).items).toEqual(['entry 2', 'entry 3']);
  });

  it('asks for an item only when it is on the page', () => {
    const asked: number[] = [];
    pageOf(
      entries(10),
      ({ ordinal }) => ordinal,
      ({ ordinal }) => asked.push(ordinal),
      { limit: 2, after: '3' },
    );
    expect(asked).toEqual([4, 5]);
  });

  it.each([1, 1000])('may hold %i items', (limit) => {
    expect(page(entries(1100), { limit }).items).toHaveLength(limit);
  });

  it.each([0, -1, 1001, 1.5, Number.NaN, Infinity])('cannot hold %d items', (limit) => {
    expect(invalid(() => page([], { limit }))).toMatchObject({ argument: 'limit' });
  });

  it('takes a limit that is no number for a mistake', () => {
    expect(invalid(() => page([], { limit: '5' as unknown as number }))).toMatchObject({ argument: 'limit' });
  });

  it.each(['x', '1.5', 'NaN', '', ' ', '1e2', '0x10', ' 7', '7\n', '+7', '-5', '1_0', '٣', '9'.repeat(16)])(
    'takes %j for no cursor',
    (after) => {
      expect(invalid(() => page(entries(3), { after }))).toMatchObject({ argument: 'after' });
    },
  );

  it('lists what stays exactly once, whatever comes and goes between two pages', () => {
    const changes = fc.array(fc.record({ removed: fc.array(fc.nat({ max: 60 })), added: fc.nat({ max: 5 }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 7 }), changes, (count, limit, drawn) => {
        let current = entries(count);
        let nextOrdinal = count;
        const always = new Set(current.map(({ name }) => name));
        const listed: string[] = [];
        let change = 0;
        for (let after: string | undefined; ;) {
          const { items, next } = page(current, after === undefined ? { limit } : { limit, after });
          listed.push(...items);
          if (next === undefined) break;
          expect(items).toHaveLength(limit);
          after = next;
          const { removed, added } = drawn[change++] ?? { removed: [], added: 0 };
          for (const { ordinal, name } of current) if (removed.includes(ordinal)) always.delete(name);
          current = current.filter(({ ordinal }) => !removed.includes(ordinal));
          for (let times = 0; times < added; times++) {
            current.push({ ordinal: nextOrdinal, name: `entry ${nextOrdinal++}` });
          }
        }
        expect(new Set(listed).size).toBe(listed.length);
        for (const name of always) expect(listed).toContain(name);
      }),
    );
  });
});
