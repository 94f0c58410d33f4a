import { describe, expect, it } from 'vitest';
import { decide, ratiosOf, recordable } from '../../bench/guard-limits.ts';

const recorded = { 'echo-16': { 'troupe-handlers': 0.3, 'troupe-machine': 0.6 } };
const tried = (handlers: number, machine: number) => ({
  'echo-16': { 'troupe-handlers': handlers, 'troupe-machine': machine },
});
const passed = (...tries: ReturnType<typeof tried>[]): boolean[] =>
  decide(recorded, tries).map((check) => check.passed);

describe('the guard', () => {
  it('lets noise pass', () => {
    expect(passed(tried(0.35, 0.7))).toEqual([true, true]);
  });

  it('catches a slip of 1.5x, even when noise makes it look smaller', () => {
    expect(passed(tried(0.45, 0.6), tried(0.43, 0.6), tried(0.41, 0.6))).toEqual([false, true]);
  });

  it('needs one good try of each', () => {
    expect(passed(tried(0.6, 0.6), tried(0.3, 1.2))).toEqual([true, true]);
  });

  it('compares the half of the slices in which least else went on', () => {
    const slices = new Map([
      ['ws', [4, 9, 4, 5]],
      ['troupe-handlers', [3, 3, 8, 7]],
    ] as const);
    expect(ratiosOf(slices)).toEqual({ 'troupe-handlers': 0.75 });
  });

  it('records neither a lucky ratio nor a disturbed one', () => {
    expect(recordable([1, 0.8, 1.3, 0.82, 0.9])).toBe(0.82);
  });

  it('passes nothing that was not measured', () => {
    expect(passed()).toEqual([false, false]);
  });
});
