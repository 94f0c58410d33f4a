import { describe, expect, it } from 'vitest';
import { memoryEngine } from 'troupe/backplane';
import { backplaneConformance } from 'troupe/testing';
import { bent } from '../support/bent-backplane.ts';
import { createGate } from '../support/inbox.ts';
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

describe('a case whose time is over', () => {
  it('ends the engine and the links that it was still waiting for', async () => {
    const ended: string[] = [];
    const [late, gate] = [memoryEngine(), createGate()];
    const slow = bent(late.backplane(), (link) => ({
      disconnect() {
        link.disconnect();
        ended.push('link');
      },
    }));
    const cases = backplaneConformance({
      limitMs: 1,
      make: () => ({
        ...slow,
        async connect(...args) {
          await gate.opened;
          return slow.connect(...args);
        },
      }),
      async own() {
        await gate.opened;
        return { make: late.backplane, stop: late.stop, start: () => late.start(), end: () => ended.push('engine') };
      },
    });
    const runs = [/^nodes: /, /^lost: /].map((name) => cases.find((one) => name.test(one.name))!.run());
    const [connecting, starting] = runs.map((run) => expect(run).rejects.toThrow('took over 1 ms'));
    await connecting;
    gate.open();
    await starting;
    await expect.poll(() => ended.toSorted()).toEqual(['engine', 'link', 'link', 'link']);
  });
});

describe.concurrent('the memory engine', () => {
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run());

  it('is held to all of the suite', () => {
    expect(tests.filter(({ skip }) => skip !== undefined)).toEqual([]);
  });
});
