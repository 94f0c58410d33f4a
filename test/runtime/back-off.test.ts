import { describe, expect, it, vi } from 'vitest';
import { Lately, waitAfter } from '../../src/runtime/back-off.ts';

describe('a back-off', () => {
  it('gets longer by its factor, up to its bound', () => {
    const backoff = { minMs: 100, maxMs: 1_000, factor: 3, jitter: 0 };
    expect([1, 2, 3, 4, 5_000].map((failures) => waitAfter(failures, backoff))).toEqual([100, 300, 900, 1_000, 1_000]);
  });

  it('of nothing stays nothing', () => {
    expect(waitAfter(5_000, { minMs: 0, maxMs: 1_000, factor: 3, jitter: 1 })).toBe(0);
  });

  it('has up to its share added at random', () => {
    const random = vi.spyOn(Math, 'random');
    const backoff = { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0.5 };
    expect(random.mockReturnValueOnce(0) && waitAfter(1, backoff)).toBe(100);
    expect(random.mockReturnValueOnce(0.5) && waitAfter(1, backoff)).toBe(125);
    random.mockRestore();
  });
});

describe('what happened lately', () => {
  it('is full when as many as there is room for lie within the time', () => {
    const lately = new Lately(2, 100);
    lately.note(0);
    expect(lately.isFullAt(0)).toBe(false);
    expect(lately.isFilledAt(0)).toBe(true);
    expect(lately.isFilledAt(100)).toBe(false);
    lately.note(99);
    expect(lately.isFullAt(99)).toBe(true);
    expect(lately.countAt(99)).toBe(2);
    expect(lately.isFullAt(100)).toBe(false);
    expect(lately.countAt(100)).toBe(1);
  });

  it('makes room for the latest', () => {
    const lately = new Lately(2, 100);
    for (const time of [0, 500, 510]) lately.note(time);
    expect(lately.isFullAt(510)).toBe(true);
  });

  it('without room is always full', () => {
    const lately = new Lately(0, 100);
    lately.note(0);
    expect(lately.isFullAt(0)).toBe(true);
    expect(lately.countAt(0)).toBe(0);
  });

  it('is forgotten when it is told to', () => {
    const lately = new Lately(1, 100);
    lately.note(0);
    lately.clear();
    expect(lately.isFullAt(0)).toBe(false);
  });
});
