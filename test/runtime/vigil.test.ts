import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defaultLimits, type ServiceLimits } from '../../src/service/limits.ts';
import { TimerWheel } from '../../src/runtime/timer-wheel.ts';
import { Vigil, type Watched } from '../../src/runtime/vigil.ts';

const TICK = 10;

class Silence implements Watched {
  readonly told: string[] = [];
  isReading = true;
  bytesReceived = 0;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  onUnread(): void {
    this.told.push(`unread at ${this.#clock.now()}`);
  }

  onSilent(): void {
    this.told.push(`silent at ${this.#clock.now()}`);
  }

  onHeard(): void {
    this.told.push(`heard at ${this.#clock.now()}`);
  }

  onIdle(): void {
    this.told.push(`idle at ${this.#clock.now()}`);
  }
}

/** What fails in a deadline fails the test. */
function rethrow(error: unknown): void {
  throw error;
}

function keepVigil(limits: Partial<ServiceLimits>, watchesIdle = true) {
  const clock = new SimulatedClock();
  const watched = new Silence(clock);
  const vigil = new Vigil(new TimerWheel(clock, rethrow, TICK), { ...defaultLimits, ...limits }, watched);
  vigil.start(watchesIdle);
  /** From tick to tick, as time goes by. */
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += TICK) clock.increment(TICK);
  };
  const pending = (): number => (clock as unknown as { timeouts: Map<unknown, unknown> }).timeouts.size;
  return { vigil, watched, pass, pending };
}

describe('the heartbeat', () => {
  it('tells of silence after each silent interval', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    pass(350);
    expect(watched.told).toEqual(['silent at 100', 'silent at 200', 'silent at 300']);
  });

  it('counts the interval from what was last heard', () => {
    const { vigil, watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    pass(60);
    vigil.heard();
    pass(90);
    expect(watched.told).toEqual(['heard at 100']);
    pass(10);
    expect(watched.told).toEqual(['heard at 100', 'silent at 160']);
  });

  // The bytes of a pong were found at the next look and taken for another sign of life: of a connection on which nothing
  // was said a ping was sent after each second interval only, and proxies that wait for 60 s cut it off.
  it('tells of silence one interval after a pong that came at once', () => {
    const { vigil, watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    for (let times = 0; times < 3; times++) {
      pass(100);
      watched.bytesReceived += 6;
      vigil.heard();
    }
    expect(watched.told).toEqual(['silent at 100', 'silent at 200', 'silent at 300']);
  });

  it('takes a message for a sign of life as well', () => {
    const { vigil, watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    for (let times = 0; times < 10; times++) {
      pass(50);
      vigil.messaged();
    }
    expect(watched.told.filter((one) => one.startsWith('silent'))).toEqual([]);
  });

  it('tells that something was heard at its first look after it', () => {
    const { vigil, watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    pass(250);
    vigil.heard();
    pass(50);
    expect(watched.told).toEqual(['silent at 100', 'silent at 200', 'heard at 300']);
  });

  it('does not take a socket that is not read for a silent one', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    watched.isReading = false;
    pass(500);
    expect(watched.told.filter((one) => one.startsWith('silent'))).toEqual([]);
    watched.isReading = true;
    pass(100);
    expect(watched.told.at(-1)).toBe('silent at 600');
  });

  it('says each time that it found a socket unread, and that nothing was heard of it', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    watched.isReading = false;
    // What had arrived before the reading stopped is no sign of life any more.
    watched.bytesReceived = 10;
    pass(300);
    expect(watched.told).toEqual(['unread at 100', 'unread at 200', 'unread at 300']);
  });

  it('takes bytes that make no message yet for a sign of life', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    for (let times = 0; times < 10; times++) {
      pass(60);
      watched.bytesReceived += 1;
    }
    expect(watched.told.length).toBeGreaterThan(3);
    expect(watched.told.filter((one) => !one.startsWith('heard'))).toEqual([]);
  });

  it('tells of silence one interval after the look that found the last bytes', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 100 });
    pass(30);
    watched.bytesReceived = 1000;
    pass(270);
    expect(watched.told).toEqual(['heard at 100', 'silent at 200', 'silent at 300']);
  });

  it('does not take the bytes of the time before it started for a sign of life', () => {
    const clock = new SimulatedClock();
    const watched = new Silence(clock);
    const wheel = new TimerWheel(clock, rethrow, TICK);
    const vigil = new Vigil(wheel, { ...defaultLimits, heartbeatIntervalMs: 100 }, watched);
    watched.bytesReceived = 500;
    vigil.start(false);
    for (let times = 0; times < 10; times++) clock.increment(TICK);
    expect(watched.told).toEqual(['silent at 100']);
  });

  it('leaves the idle time-out to messages, whatever bytes arrive', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 0, idleTimeoutMs: 100 });
    pass(50);
    watched.bytesReceived = 100;
    pass(50);
    expect(watched.told).toEqual(['idle at 100']);
  });

  it('is off when its interval is 0', () => {
    const { watched, pass, pending } = keepVigil({ heartbeatIntervalMs: 0 });
    expect(pending()).toBe(0);
    pass(1000);
    expect(watched.told).toEqual([]);
  });

  it('ends when the vigil stops', () => {
    const { vigil, watched, pass, pending } = keepVigil({ heartbeatIntervalMs: 100, idleTimeoutMs: 100 });
    vigil.stop();
    pass(500);
    expect(watched.told).toEqual([]);
    expect(pending()).toBe(0);
  });
});

describe('the idle time-out', () => {
  const limits = { heartbeatIntervalMs: 0, idleTimeoutMs: 100 };

  it('tells of each idle period', () => {
    const { watched, pass } = keepVigil(limits);
    pass(250);
    expect(watched.told).toEqual(['idle at 100', 'idle at 200']);
  });

  it('counts from the last message, and pongs are none', () => {
    const { vigil, watched, pass } = keepVigil(limits);
    pass(50);
    vigil.messaged();
    pass(40);
    vigil.heard();
    pass(50);
    expect(watched.told).toEqual([]);
    pass(10);
    expect(watched.told).toEqual(['idle at 150']);
  });

  it('is not watched when the service does not want to know', () => {
    const { watched, pass, pending } = keepVigil(limits, false);
    expect(pending()).toBe(0);
    pass(500);
    expect(watched.told).toEqual([]);
  });

  it('is told of one whose last message came a while ago neither early nor late, though the heartbeat lets the wheel rest', () => {
    const { vigil, watched, pass } = keepVigil({ heartbeatIntervalMs: 30_000, idleTimeoutMs: 6000 });
    pass(190);
    vigil.messaged();
    pass(6000 - TICK);
    expect(watched.told).toEqual([]);
    pass(TICK);
    expect(watched.told).toEqual(['idle at 6190']);
  });

  it('runs beside the heartbeat', () => {
    const { watched, pass } = keepVigil({ heartbeatIntervalMs: 70, idleTimeoutMs: 100 });
    pass(150);
    expect(watched.told).toEqual(['silent at 70', 'idle at 100', 'silent at 140']);
  });

  it('counts from the start, not from when the vigil was made', () => {
    const clock = new SimulatedClock();
    const watched = new Silence(clock);
    const vigil = new Vigil(new TimerWheel(clock, rethrow, TICK), { ...defaultLimits, ...limits }, watched);
    clock.increment(10_000);
    vigil.start(true);
    for (let times = 0; times < 9; times++) clock.increment(TICK);
    expect(watched.told).toEqual([]);
    clock.increment(TICK);
    expect(watched.told).toEqual(['idle at 10100']);
  });
});
