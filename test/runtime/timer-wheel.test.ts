import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Clock } from '../../src/runtime/clock.ts';
import { Deadline, TimerWheel } from '../../src/runtime/timer-wheel.ts';

const TICK = 100;

/** Moves time from timer to timer, so that each fires exactly when it is due, as on an idle machine. */
class ExactClock implements Clock {
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #now = 0;
  #next = 1;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    this.#timers.set(this.#next, { at: this.#now + delayMs, callback });
    return this.#next++;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Time goes on without anything running, as when the event loop is blocked; then what is due runs. */
  stall(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [timer, { at, callback }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = end;
  }
}

/** What fails in a deadline fails the test. */
function rethrow(error: unknown): void {
  throw error;
}

function wheelAt(start = 0, failed: (error: unknown) => void = rethrow) {
  const clock = new ExactClock();
  clock.advance(start);
  return { clock, wheel: new TimerWheel(clock, failed, TICK) };
}

describe('a deadline', () => {
  it('is met once its time has come, and once only', () => {
    const { clock, wheel } = wheelAt();
    let met = 0;
    new Deadline(wheel, () => met++).set(250);
    clock.advance(250);
    expect(met).toBe(0);
    clock.advance(50);
    expect(met).toBe(1);
    clock.advance(10_000);
    expect(met).toBe(1);
  });

  it('counts from now when it is set again, whatever was set before', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    const deadline = new Deadline(wheel, () => met.push(clock.now()));
    deadline.set(300);
    clock.advance(200);
    deadline.set(300);
    clock.advance(1000);
    expect(met).toEqual([500]);
  });

  it('may be moved to an earlier time', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    const deadline = new Deadline(wheel, () => met.push(clock.now()));
    deadline.set(100_000);
    deadline.set(100);
    clock.advance(200_000);
    expect(met).toEqual([100]);
  });

  it('is not met once it is cancelled, and may be cancelled twice', () => {
    const { clock, wheel } = wheelAt();
    let met = 0;
    const deadline = new Deadline(wheel, () => met++);
    deadline.set(100);
    deadline.cancel();
    deadline.cancel();
    clock.advance(1000);
    expect(met).toBe(0);
  });

  it('may be set again by what it calls', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    const deadline = new Deadline(wheel, () => {
      met.push(clock.now());
      if (met.length < 3) deadline.set(200);
    });
    deadline.set(200);
    clock.advance(5000);
    expect(met).toEqual([200, 400, 600]);
  });

  it('is met at the next tick when no time is left', () => {
    const { clock, wheel } = wheelAt();
    let met = 0;
    new Deadline(wheel, () => met++).set(0);
    expect(met).toBe(0);
    clock.advance(TICK);
    expect(met).toBe(1);
  });

  it('is not met when one that is met just before cancels or moves it', () => {
    const { clock, wheel } = wheelAt();
    const met: string[] = [];
    const cancelled = new Deadline(wheel, () => met.push('cancelled'));
    const moved = new Deadline(wheel, () => met.push('moved'));
    const first = new Deadline(wheel, () => {
      cancelled.cancel();
      moved.set(500);
    });
    first.set(100);
    cancelled.set(100);
    moved.set(100);
    clock.advance(100);
    expect(met).toEqual([]);
    clock.advance(500);
    expect(met).toEqual(['moved']);
  });

  it('is met after more than one turn of the wheel', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    for (const turns of [1, 2, 3]) new Deadline(wheel, () => met.push(clock.now())).set(turns * 512 * TICK);
    clock.advance(4 * 512 * TICK);
    expect(met).toEqual([512 * TICK, 2 * 512 * TICK, 3 * 512 * TICK]);
  });
});

describe('a stall', () => {
  it.each([1, 511, 512, 513, 5000])('of %i ticks delays a deadline and loses none', (ticks) => {
    const { clock, wheel } = wheelAt();
    const met = new Set<number>();
    for (let delay = 1; delay <= 1200; delay++) new Deadline(wheel, () => met.add(delay)).set(delay * TICK);
    clock.stall(ticks * TICK);
    expect(met.size).toBe(Math.min(ticks, 1200));
    clock.advance(1200 * TICK);
    expect(met.size).toBe(1200);
    expect(clock.pending).toBe(0);
  });

  it('does not make what is set behind it early', () => {
    const { clock, wheel } = wheelAt();
    new Deadline(wheel, () => {}).set(TICK);
    clock.stall(10 * TICK + 50);
    const met: number[] = [];
    new Deadline(wheel, () => met.push(clock.now())).set(300);
    clock.advance(299);
    expect(met).toEqual([]);
    clock.advance(2 * TICK);
    expect(met).toHaveLength(1);
  });
});

describe('the wheel', () => {
  it('has one timer, however many deadlines there are', () => {
    const { clock, wheel } = wheelAt();
    expect(clock.pending).toBe(0);
    for (let delay = 1; delay <= 1000; delay++) new Deadline(wheel, () => {}).set(delay);
    expect(clock.pending).toBe(1);
    clock.advance(500);
    expect(clock.pending).toBe(1);
  });

  it('has no timer once every deadline was met', () => {
    const { clock, wheel } = wheelAt();
    new Deadline(wheel, () => {}).set(250);
    clock.advance(300);
    expect(clock.pending).toBe(0);
  });

  it('has no timer a second after the last deadline was cancelled', () => {
    const { clock, wheel } = wheelAt();
    const deadline = new Deadline(wheel, () => {});
    deadline.set(100_000);
    deadline.cancel();
    clock.advance(10 * TICK);
    expect(clock.pending).toBe(0);
  });

  it('goes on after it has rested, as punctual as before', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    const deadline = new Deadline(wheel, () => met.push(clock.now()));
    deadline.set(100);
    clock.advance(12_345);
    deadline.set(300);
    clock.advance(1000);
    expect(met).toEqual([100, 12_645]);
  });

  it('knows the time of its last turn', () => {
    const { clock, wheel } = wheelAt(1000);
    expect(wheel.now).toBe(1000);
    clock.advance(5000);
    new Deadline(wheel, () => {}).set(200);
    new Deadline(wheel, () => {}).set(100_000);
    expect(wheel.now).toBe(6000);
    clock.advance(250);
    expect(wheel.now).toBe(6200);
    expect(wheel.turn).toBe(2);
  });

  it('rests for a second where nothing is due, and no longer than somebody allows', () => {
    const { clock, wheel } = wheelAt();
    new Deadline(wheel, () => {}).set(100_000);
    clock.advance(5000);
    expect([wheel.now, wheel.turn]).toEqual([5000, 6]);
    wheel.restAtMost(300);
    wheel.restAtMost(600);
    clock.advance(3000);
    expect([wheel.now, wheel.turn]).toEqual([8000, 16]);
    wheel.restAtMost(1);
    clock.advance(2000);
    expect([wheel.now, wheel.turn]).toEqual([10_000, 36]);
  });

  it('wakes up from its rest for what was set meanwhile, also after it had nothing to do', () => {
    const { clock, wheel } = wheelAt();
    const met: number[] = [];
    const far = new Deadline(wheel, () => {});
    const near = new Deadline(wheel, () => met.push(clock.now()));
    far.set(100_000);
    clock.advance(150);
    near.set(250);
    clock.advance(2000);
    far.cancel();
    near.set(100);
    clock.advance(1000);
    expect(met).toEqual([400, 2250]);
  });

  it('stops at once: nothing is met and no timer is left', () => {
    const { clock, wheel } = wheelAt();
    let met = 0;
    const deadlines = [100, 200, 100_000].map((delay) => {
      const deadline = new Deadline(wheel, () => met++);
      deadline.set(delay);
      return deadline;
    });
    wheel.stop();
    expect(clock.pending).toBe(0);
    for (const deadline of deadlines) deadline.cancel();
    clock.advance(200_000);
    expect(met).toBe(0);
  });

  it('can be used again after it was stopped', () => {
    const { clock, wheel } = wheelAt();
    let met = 0;
    const deadline = new Deadline(wheel, () => met++);
    deadline.set(100);
    wheel.stop();
    deadline.set(200);
    expect(clock.pending).toBe(1);
    clock.advance(200);
    expect(met).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('has one timer when a deadline that is met stops it and sets another', () => {
    const { clock, wheel } = wheelAt();
    const other = new Deadline(wheel, () => {});
    new Deadline(wheel, () => {
      wheel.stop();
      other.set(10_000);
    }).set(100);
    clock.advance(100);
    expect(clock.pending).toBe(1);
  });

  it('tells of what a deadline throws, and goes on', () => {
    const failures: unknown[] = [];
    const { clock, wheel } = wheelAt(0, (error) => failures.push(error));
    const met: string[] = [];
    const error = new Error('not the fault of the others');
    new Deadline(wheel, () => {
      throw error;
    }).set(100);
    new Deadline(wheel, () => met.push('same tick')).set(100);
    new Deadline(wheel, () => met.push('later tick')).set(500);
    clock.advance(100);
    expect(failures).toEqual([error]);
    expect(met).toEqual(['same tick']);
    clock.advance(1000);
    expect(failures).toEqual([error]);
    expect(met).toEqual(['same tick', 'later tick']);
    expect(clock.pending).toBe(0);
  });

  it('meets a deadline again that threw and is set anew', () => {
    const { clock, wheel } = wheelAt(0, () => {});
    let met = 0;
    const deadline: Deadline = new Deadline(wheel, () => {
      met++;
      deadline.set(200);
      throw new Error('each time');
    });
    deadline.set(200);
    clock.advance(600);
    expect(met).toBe(3);
  });

  it('lets the process end: its timer is unreferenced', () => {
    let unreferenced = 0;
    const clock: Clock = {
      now: () => 0,
      setTimeout: () => ({ unref: () => unreferenced++ }),
      clearTimeout: () => {},
    };
    new Deadline(new TimerWheel(clock, rethrow), () => {}).set(1000);
    expect(unreferenced).toBe(1);
  });

  it('wakes up once a tick where timers take whole milliseconds only and are late by parts of one', () => {
    let now = 0;
    let timers = 0;
    let wake = (): void => {};
    const clock: Clock = {
      now: () => now,
      setTimeout: (callback, delayMs) => {
        timers++;
        wake = () => {
          now += Math.trunc(delayMs) + 0.3;
          callback();
        };
      },
      clearTimeout: () => {},
    };
    const wheel = new TimerWheel(clock, rethrow, TICK);
    const met: number[] = [];
    wheel.restAtMost(TICK);
    new Deadline(wheel, () => met.push(now)).set(10 * TICK);
    while (met.length === 0) wake();
    expect(timers).toBe(10);
  });

  it('runs on a simulated clock', () => {
    const clock = new SimulatedClock();
    const wheel = new TimerWheel(clock as unknown as Clock, rethrow, TICK);
    let met = 0;
    new Deadline(wheel, () => met++).set(300);
    for (let tick = 0; tick < 3; tick++) clock.increment(TICK);
    expect(met).toBe(1);
  });
});

/* The wheel beside a naive model: a list of times. */
const COUNT = 6;

type Step =
  | { do: 'set'; which: number; delay: number }
  | { do: 'cancel'; which: number }
  | { do: 'advance' | 'stall'; ms: number };

const which = fc.nat({ max: COUNT - 1 });
const delay = fc.oneof(fc.nat({ max: 1000 }), fc.nat({ max: 200_000 }));

function scripts(withStalls: boolean): fc.Arbitrary<Step[]> {
  const ms = fc.oneof(fc.nat({ max: 500 }), fc.nat({ max: 60_000 }));
  const kinds: fc.Arbitrary<'advance' | 'stall'> = withStalls
    ? fc.constantFrom('advance', 'stall')
    : fc.constant('advance');
  return fc.array(
    fc.oneof<fc.Arbitrary<Step>[]>(
      fc.record({ do: fc.constant('set' as const), which, delay }),
      fc.record({ do: fc.constant('cancel' as const), which }),
      fc.record({ do: kinds, ms }),
    ),
    { maxLength: 60, size: 'max' },
  );
}

/** Plays a script; `lateMs` is how late a deadline may be met while nothing stalls. */
function hold(steps: readonly Step[], lateMs: number): void {
  const { clock, wheel } = wheelAt(37);
  if (steps.length % 2 === 0) wheel.restAtMost(TICK);
  const due: (number | undefined)[] = Array.from({ length: COUNT });
  let stalledSince = -1;
  const deadlines = due.map((_, index) => {
    return new Deadline(wheel, () => {
      const expected = due[index];
      expect(expected, 'a deadline that was set').toBeDefined();
      expect(clock.now(), 'never early').toBeGreaterThanOrEqual(expected!);
      if (stalledSince === -1) expect(clock.now() - expected!, 'hardly late').toBeLessThanOrEqual(lateMs);
      due[index] = undefined;
    });
  });
  const run = (ms: number): void => {
    clock.advance(ms);
    for (const expected of due) {
      if (expected !== undefined) expect(clock.now() - expected, 'none forgotten').toBeLessThanOrEqual(lateMs);
    }
  };
  for (const step of steps) {
    switch (step.do) {
      case 'set':
        deadlines[step.which]!.set(step.delay);
        due[step.which] = clock.now() + step.delay;
        break;
      case 'cancel':
        deadlines[step.which]!.cancel();
        due[step.which] = undefined;
        break;
      case 'advance':
        run(step.ms);
        break;
      case 'stall':
        stalledSince = clock.now();
        clock.stall(step.ms);
        stalledSince = -1;
        break;
    }
    expect(clock.pending).toBeLessThanOrEqual(1);
    if (due.some((time) => time !== undefined)) expect(clock.pending).toBe(1);
  }
  run(400_000);
  expect(due.every((time) => time === undefined)).toBe(true);
  expect(clock.pending).toBe(0);
}

describe('any deadlines', () => {
  it('are met never early and at most one tick late, on a clock that is punctual', () => {
    fc.assert(fc.property(scripts(false), (steps) => hold(steps, TICK)));
  });

  it('are met never early, and at most one tick late again when a stall is over', () => {
    fc.assert(fc.property(scripts(true), (steps) => hold(steps, TICK)));
  });
});
