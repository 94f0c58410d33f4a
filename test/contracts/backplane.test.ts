import { describe, expect, it } from 'vitest';
import { memoryEngine } from 'troupe/backplane';
import { backplaneConformance } from 'troupe/testing';
import { systemClock } from '../../src/runtime/clock.ts';

const engine = memoryEngine();

/** A hundred times as fast: what the engine waits for takes as much less. */
const hurried = {
  ...systemClock,
  setTimeout: (callback: () => void, delayMs: number) => systemClock.setTimeout(callback, delayMs / 100),
};

const tests = backplaneConformance({
  limitMs: 4_000,
  make: engine.backplane,
  lapse: engine.lapse,
  own: () => {
    const { backplane, stop, start } = memoryEngine();
    return { make: backplane, stop, start: () => start({ empty: true }), end: stop };
  },
  hanging: () => {
    const { backplane, freeze, stop } = memoryEngine({ clock: hurried });
    return { make: backplane, freeze, end: stop };
  },
});

describe.concurrent('the memory engine', () => {
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run());

  it('is held to all of the suite', () => {
    expect(tests.filter(({ skip }) => skip !== undefined)).toEqual([]);
  });
});
