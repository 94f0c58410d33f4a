import { describe, expect, it } from 'vitest';
import { CloseCodes, Distinct, methodOf, Series } from '../../src/telemetry/otel/bounds.ts';

describe('attributes', () => {
  it('have so many values and no more; those that were there stay themselves', () => {
    const distinct = new Distinct(2);
    expect(['a', 'b', 'c', 'a', 'd'].map((value) => distinct.of(value))).toEqual(['a', 'b', '_OTHER', 'a', '_OTHER']);
  });

  it('make so many series and one for all others', () => {
    const series = new Series(2, (parts) => parts);
    const [first, , third, fourth] = [
      series.of('a', '1'),
      series.of('a', '2'),
      series.of('b', '1'),
      series.of('b', '2'),
    ];
    expect(series.of('a', '1')).toBe(first);
    expect(third).toEqual(['_OTHER', '_OTHER']);
    expect(fourth).toBe(third);
    expect([...series.values()]).toHaveLength(3);
  });

  it('are close codes that are registered or named; others are their range', () => {
    const codes = new CloseCodes([4000]);
    const seen = [1000, 1006, 1015, 1999, 2999, 3001, 4000, 4999, 5000, -1, 0.5].map((code) => codes.of(code));
    const other = '_OTHER';
    expect(seen).toEqual(['1000', '1006', '1015', other, other, '3xxx', '4000', '4xxx', other, other, other]);
  });

  it('are methods that the conventions know', () => {
    expect([methodOf('GET'), methodOf('M-SEARCH'), methodOf(undefined)]).toEqual(['GET', '_OTHER', '_OTHER']);
  });
});
