import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { MessageRate } from 'troupe';
import { MessageGate, type MessageEvent } from '../../src/runtime/message-rate.ts';
import { TimerWheel } from '../../src/runtime/timer-wheel.ts';

function create(rate: MessageRate, limits = { maxWaitingMessages: 4, maxPayload: 1000 }) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const wheel = new TimerWheel(clock, (error) => log.push(String(error)));
  const socket = { pause: () => log.push('pause'), resume: () => log.push('resume') };
  const letIn: string[] = [];
  const gate: MessageGate = new MessageGate(
    rate,
    {
      letIn: (event) => letIn.push(textOf(event)),
      onRate: (event) => log.push(event),
    },
    { limits, socket: { pause: () => void socket.pause(), resume: () => void socket.resume() }, wheel, time: clock },
  );
  const receive = (text: string): void => {
    const event: MessageEvent = { type: 'ws.text', text };
    if (gate.admits(event)) letIn.push(text);
  };
  return { clock, gate, log, letIn, receive };
}

function textOf(event: MessageEvent): string {
  return event.type === 'ws.text' ? event.text : '';
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

describe('a message rate that closes', () => {
  it('lets in a burst and then as many as were earned', () => {
    const { clock, receive, letIn, log } = create({ perSecond: 2, burst: 3 });
    for (const text of texts(3)) receive(text);
    clock.increment(1000);
    receive('three');
    receive('four');
    expect(letIn).toEqual(['0', '1', '2', 'three', 'four']);
    expect(log).toEqual([]);
  });

  it('says once when one came too many, and lets nothing in from then on', () => {
    const { clock, receive, letIn, log } = create({ perSecond: 1, burst: 1 });
    for (const text of texts(3)) receive(text);
    clock.increment(10_000);
    receive('later');
    expect(letIn).toEqual(['0']);
    expect(log).toEqual(['rate.exceeded']);
  });

  it('saves up no more than the burst', () => {
    const { clock, receive, letIn } = create({ perSecond: 100, burst: 2 });
    clock.increment(3_600_000);
    for (const text of texts(3)) receive(text);
    expect(letIn).toEqual(['0', '1']);
  });

  it('has a burst of one second unless told otherwise, of one message at least', () => {
    for (const [perSecond, burst] of [
      [5, 5],
      [2.5, 3],
      [0.1, 1],
    ] as const) {
      const { receive, letIn } = create({ perSecond });
      for (const text of texts(10)) receive(text);
      expect(letIn).toHaveLength(burst);
    }
  });

  it('sets no timer', () => {
    const { clock, receive } = create({ perSecond: 1 });
    let timers = 0;
    const setTimeout = clock.setTimeout.bind(clock);
    clock.setTimeout = (...args) => {
      timers += 1;
      return setTimeout(...args);
    };
    for (const text of texts(3)) receive(text);
    expect(timers).toBe(0);
  });
});

describe('a message rate that holds', () => {
  it('lets in what is over it when its time has come, in order', () => {
    const { clock, receive, letIn, log } = create({ perSecond: 1, burst: 1, excess: 'hold' });
    for (const text of texts(3)) receive(text);
    expect(letIn).toEqual(['0']);
    clock.increment(1000);
    expect(letIn).toEqual(['0', '1']);
    receive('behind');
    clock.increment(2000);
    expect(letIn).toEqual(['0', '1', '2', 'behind']);
    expect(log).toEqual(['rate.held', 'rate.met']);
  });

  it('stops the reading at the bound of waiting messages, and goes on at half of it', () => {
    const { clock, receive, letIn, log } = create({ perSecond: 1, burst: 1, excess: 'hold' });
    for (const text of texts(5)) receive(text);
    expect(log).toEqual(['rate.held', 'pause']);
    clock.increment(1000);
    expect(log).toEqual(['rate.held', 'pause']);
    clock.increment(1000);
    expect(log).toEqual(['rate.held', 'pause', 'resume']);
    clock.increment(2000);
    expect(letIn).toEqual(texts(5));
    expect(log.at(-1)).toBe('rate.met');
  });

  it('keeps the rate also when it is higher than the wheel turns and the burst is small', () => {
    const { clock, receive, letIn } = create(
      { perSecond: 1000, burst: 1, excess: 'hold' },
      { maxWaitingMessages: 10_000, maxPayload: 1_000_000 },
    );
    for (const text of texts(2000)) receive(text);
    for (let tick = 0; tick < 10; tick += 1) clock.increment(100);
    expect(letIn.length).toBeGreaterThanOrEqual(900);
    expect(letIn.length).toBeLessThanOrEqual(1001);
  });

  it('lets everything in at once when it is opened, and holds nothing any more', () => {
    const { gate, receive, letIn, log } = create({ perSecond: 1, burst: 1, excess: 'hold' });
    for (const text of texts(6)) receive(text);
    gate.open();
    receive('more');
    expect(letIn).toEqual([...texts(6), 'more']);
    expect(log).toEqual(['rate.held', 'pause', 'resume']);
    expect(gate.isHolding).toBe(false);
  });

  it('forgets what waits when it is shut, and reads again: a close frame may follow', () => {
    const { clock, gate, receive, letIn, log } = create({ perSecond: 1, burst: 1, excess: 'hold' });
    for (const text of texts(6)) receive(text);
    gate.shut();
    receive('more');
    clock.increment(60_000);
    expect(letIn).toEqual(['0']);
    expect(log).toEqual(['rate.held', 'pause', 'resume']);
  });

  it('reads only when the inbox behind it lets it as well', () => {
    const { clock, gate, receive, log } = create({ perSecond: 1, burst: 1, excess: 'hold' });
    gate.pause();
    for (const text of texts(5)) receive(text);
    clock.increment(10_000);
    expect(log.filter((entry) => !entry.startsWith('rate'))).toEqual(['pause']);
    gate.resume();
    expect(log.at(-1)).toBe('resume');
  });

  it('lets in nothing more than the rate allows, loses nothing and keeps the order, whatever comes when', () => {
    const step = fc.oneof(fc.constant('receive' as const), fc.integer({ min: 1, max: 3000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 20 }), (steps, burst) => {
        const perSecond = 3;
        const { clock, receive, letIn } = create({ perSecond, burst, excess: 'hold' });
        let received = 0;
        let passedMs = 0;
        for (const one of steps) {
          if (one === 'receive') receive(`${received++}`);
          else clock.increment(one);
          if (one !== 'receive') passedMs += one;
          expect(letIn.length).toBeLessThanOrEqual(burst + (passedMs / 1000) * perSecond + 1e-6);
        }
        for (let seconds = 0; seconds < 60; seconds += 1) clock.increment(1000);
        expect(letIn).toEqual(texts(received));
      }),
    );
  });
});
