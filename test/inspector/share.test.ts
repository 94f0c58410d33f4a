import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { Pace } from '../../src/inspector/share.ts';
import { turn } from '../support/inbox.ts';

/** Work that takes as long as it says, by a clock that only moves by it. */
function createPace() {
  const clock = new SimulatedClock();
  const pace = new Pace(clock);
  const done: string[] = [];
  const work = (name: string, tookMs = 1): Promise<void> =>
    pace.do(() => {
      done.push(name);
      clock.increment(tookMs);
    });
  return { clock, pace, done, work };
}

describe('work that can wait', () => {
  it('is done one piece in a turn, in the order in which it was asked for', async () => {
    const { done, work } = createPace();
    const all = Promise.all(['a', 'b', 'c'].map((name) => work(name)));
    expect(done).toEqual([]);
    await turn();
    expect(done.length).toBeLessThan(3);
    await all;
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('takes a tenth of the time at most, once it has taken what it may at once', async () => {
    const { clock, done, work } = createPace();
    await work('long', 60);
    const next = work('next');
    // 50 ms at once, and 6 in the 60 that it took: the other 4 need 40 more.
    clock.increment(39);
    await turn();
    expect(done).toEqual(['long']);
    clock.increment(2);
    await next;
    expect(done).toEqual(['long', 'next']);
  });

  it('is not waited for without end after a piece that took very long', async () => {
    const { clock, done, work } = createPace();
    await work('endless', 60_000);
    const next = work('next');
    clock.increment(2100);
    await next;
    expect(done).toEqual(['endless', 'next']);
  });

  // What waited for its time kept the process for up to two seconds after everything was closed.
  it('is done no more once it is stopped, and leaves no timer behind', async () => {
    const { clock, pace, done, work } = createPace();
    await work('long', 60);
    void work('next');
    let timers = 0;
    const setTimeout = clock.setTimeout.bind(clock);
    clock.setTimeout = (...args) => {
      timers++;
      return setTimeout(...args);
    };
    pace.stop();
    clock.increment(10_000);
    void work('later');
    clock.increment(10_000);
    await turn();
    expect([done, timers]).toEqual([['long'], 0]);
  });

  it('says of what fails that it failed, and goes on', async () => {
    const { pace, work, done } = createPace();
    const failing = pace.do(() => {
      throw new Error('no');
    });
    const next = work('next');
    await expect(failing).rejects.toThrow('no');
    await next;
    expect(done).toEqual(['next']);
  });
});
