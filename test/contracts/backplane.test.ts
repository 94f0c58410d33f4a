import { describe, expect, it } from 'vitest';
import { memoryEngine } from 'troupe/backplane';
import { backplaneConformance } from 'troupe/testing';

const engine = memoryEngine();

const tests = backplaneConformance({
  make: engine.backplane,
  lapse: engine.lapse,
  own: () => {
    const { backplane, stop, start } = memoryEngine();
    return { make: backplane, stop, start: () => start({ empty: true }), end: stop };
  },
});

describe.concurrent('the memory engine', () => {
  it.each(tests)('$name', async ({ run }) => run());

  it('is held to all of the suite', () => {
    expect(tests.filter(({ skip }) => skip !== undefined)).toEqual([]);
  });
});
