import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/recorder/entries.ts';
import { Tape, type Footing } from '../../src/recorder/tape.ts';

const event = (text: string): Entry => ({
  kind: 'event',
  at: 0,
  event: { type: 'ws.text', text },
  lifecycle: 'handling',
});
const call = (text: string): Entry => ({ kind: 'call', at: 0, function: 'pushText', arguments: [text] });
const footing = (life: number, isIdle = true): Footing => ({ base: `{"life":${life}}`, isIdle, gaps: new Set() });
const none = new Set<never>();

describe('a tape', () => {
  it('forgets the oldest events with what followed, and begins with what was there then', () => {
    const tape = new Tape(2, 1e6);
    for (const number of [1, 2, 3]) {
      tape.write(event(`${number}`), none, footing(number));
      tape.write(call(`${number}`), none, undefined);
    }
    const { base, lines, gaps } = tape.kept();
    expect(base).toEqual({ life: 2 });
    expect(lines.map((line) => /"(\d)"/.exec(line)?.[1])).toEqual(['2', '2', '3', '3']);
    expect(gaps.size).toBe(0);
  });

  it('begins where nothing was being handled, or says that it does not', () => {
    const tape = new Tape(3, 1e6);
    for (const number of [1, 2, 3, 4]) tape.write(event(`${number}`), none, footing(number, number === 4));
    expect(tape.kept().lines).toHaveLength(1);
    tape.write(event('5'), none, footing(5, false));
    for (const number of [6, 7, 8]) tape.write(event(`${number}`), none, footing(number, false));
    expect([...tape.kept().gaps]).toEqual(['beginning']);
  });

  it('leaves out calls of an event that leads to more than there is room for', () => {
    const tape = new Tape(10, 4096);
    tape.write(event('flood'), none, footing(1));
    for (let count = 0; count < 1000; count++) tape.write(call('again'), none, undefined);
    tape.write({ kind: 'settled', at: 0, type: 'ws.text' }, none, undefined);
    expect(tape.bytes).toBeLessThan(4096);
    expect(tape.kept().lines.at(-1)).toContain('settled');
    expect([...tape.kept().gaps]).toEqual(['cut']);
  });

  it('keeps to its bounds, whatever comes', () => {
    const step = fc.record({ size: fc.nat({ max: 900 }), opens: fc.boolean(), isIdle: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tape = new Tape(5, 4096);
        for (const { size, opens, isIdle } of steps) {
          tape.write(
            opens ? event('x'.repeat(size)) : call('x'.repeat(size)),
            none,
            opens ? footing(1, isIdle) : undefined,
          );
          expect(tape.bytes).toBeLessThanOrEqual(4096);
          expect(tape.bytes).toBeGreaterThanOrEqual(tape.kept().lines.join('\n').length);
          expect(tape.kept().lines.filter((line) => line.includes('"event"')).length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });
});
