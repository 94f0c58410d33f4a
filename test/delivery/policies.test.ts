import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WAITING_BYTES, type Waiting } from '../../src/delivery/backlog.ts';
import { compressFor } from '../../src/delivery/compression.ts';
import { frameText, KeyedFrame } from '../../src/delivery/frame.ts';
import { Outbox, type Pushed } from '../../src/delivery/outbox.ts';
import { outboxSetting, type OutboxSetting } from '../../src/delivery/policy.ts';
import { outboundPolicies, type OutboundPolicy } from '../../src/delivery/contract.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { textsOf } from '../support/frames.ts';
import { turn } from '../support/inbox.ts';

const HOLD_AT = 1000;
/** Room for what the socket has and ten messages that wait. */
const MARK = HOLD_AT + 10 * (WAITING_BYTES + 100);
const CAP = 3 * MARK;

/** An outbox whose socket has just become busy with `busy`, and takes nothing more. */
async function busy(policy: OutboundPolicy, fields: Partial<OutboxSetting> = {}) {
  const socket = new FakeSocket();
  const told: string[] = [];
  const dropped: Waiting[] = [];
  const setting = { policy, highWaterMarkBytes: MARK, hardCapBytes: CAP, holdAtBytes: HOLD_AT, ...fields };
  const outbox = new Outbox(socket, setting, {
    onOutbound: (event) => told.push(event),
    onDropped: (message) => dropped.push(message),
  });
  socket.takes = 0;
  const first = 'first'.padEnd(HOLD_AT, '.');
  outbox.push(frameText(first));
  await turn();
  const push = (text: string, key?: string): Pushed => {
    const frame = frameText(text);
    return outbox.push(key === undefined ? frame : new KeyedFrame(frame, key));
  };
  /** What the remote side has after it has read everything; without the first. */
  const read = async (): Promise<string[]> => {
    socket.drain(outbox);
    await turn();
    const [head, ...rest] = textsOf(Buffer.concat(socket.writes));
    expect(head).toBe(first);
    return rest;
  };
  return { socket, told, dropped, outbox, push, read };
}

const hundred = (label: string | number) => `${label} `.padEnd(90, 'x');

describe('drop', () => {
  it('refuses what is pushed above the mark, keeps the connection, and takes pushes again once all is read', async () => {
    const { push, read, told, outbox } = await busy('drop', { holdAtBytes: HOLD_AT });
    expect([push('a'), push('b')]).toEqual(['congested', 'congested']);
    await turn();
    expect(told).toEqual(['outbound.filled', 'outbound.exceeded']);
    expect(outbox.dropped).toBe(2);
    expect(await read()).toEqual([]);
    expect(told.at(-1)).toBe('outbound.drained');
    expect(push('c')).toBe('delivered');
  });
});

describe('drop-oldest', () => {
  it('lets what is pushed wait in the outbox, not in the socket, until that is read', async () => {
    const { push, read, socket, outbox } = await busy('drop-oldest');
    expect([push('a'), push('b')]).toEqual(['accepted', 'accepted']);
    await turn();
    expect(socket.bufferedBytes).toBeLessThan(HOLD_AT + 100);
    expect(outbox.bufferedBytes).toBeGreaterThan(socket.bufferedBytes);
    expect(await read()).toEqual(['a', 'b']);
  });

  it('drops what has waited longest, says which, and keeps the order of the rest', async () => {
    const { push, read, dropped, outbox } = await busy('drop-oldest');
    const texts = Array.from({ length: 25 }, (_, index) => hundred(index));
    for (const text of texts) expect(push(text)).toBe('accepted');
    const kept = await read();
    expect(kept).toEqual(texts.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(5);
    expect(dropped.flatMap(({ frame }) => textsOf(frame.store.subarray(frame.start, frame.end)))).toEqual(
      texts.slice(0, -kept.length),
    );
    expect(outbox.dropped).toBe(dropped.length);
  });

  it('is congested from the mark on, not while it only waits', async () => {
    const { push, told, read } = await busy('drop-oldest');
    push(hundred('a'));
    await turn();
    expect(told).toEqual([]);
    for (let index = 0; index < 20; index += 1) push(hundred(index));
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual(['outbound.filled', 'outbound.exceeded']);
    await read();
    expect(told.at(-1)).toBe('outbound.drained');
  });

  it('takes one message that is larger than the mark, in the place of all that waits', async () => {
    const { push, read, dropped } = await busy('drop-oldest');
    const large = 'l'.repeat(MARK);
    for (const text of ['a', 'b', large]) push(text);
    expect(dropped).toHaveLength(2);
    expect(await read()).toEqual([large]);
  });

  it('refuses one that is larger than the cap, and drops nothing for it', async () => {
    const { push, read, dropped } = await busy('drop-oldest');
    push('a');
    expect(push('l'.repeat(CAP))).toBe('congested');
    expect(dropped).toEqual([]);
    expect(await read()).toEqual(['a']);
  });
});

describe('latest', () => {
  it('drops the one with the same key that still waits', async () => {
    const { push, read, dropped } = await busy('latest');
    expect([push('a1', 'a'), push('b1', 'b'), push('a2', 'a'), push('a3', 'a')]).toEqual(
      Array.from({ length: 4 }, () => 'accepted'),
    );
    expect(dropped.map(({ key, payloadLength }) => [key, payloadLength])).toEqual([
      ['a', 2],
      ['a', 2],
    ]);
    expect(await read()).toEqual(['b1', 'a3']);
  });

  it('keeps the order in which they were pushed: a later value overtakes nothing', async () => {
    const { push, read } = await busy('latest');
    push('price 1', 'price');
    push('reset');
    push('price 2', 'price');
    expect(await read()).toEqual(['reset', 'price 2']);
  });

  it('is congested as soon as something has to wait', async () => {
    const { told, read } = await busy('latest');
    expect(told).toEqual(['outbound.filled']);
    await read();
    expect(told).toEqual(['outbound.filled', 'outbound.drained']);
  });

  it('gives a value that was written no successor: the next one waits beside it', async () => {
    const { push, read, socket, outbox } = await busy('latest');
    push('a1', 'a');
    expect(await read()).toEqual(['a1']);
    socket.takes = 0;
    outbox.push(frameText('again'.padEnd(HOLD_AT, '.')));
    await turn();
    push('a2', 'a');
    expect((await read()).filter((text) => text.startsWith('a') && text.length === 2)).toEqual(['a1', 'a2']);
  });

  it('refuses what has no key above the mark, and goes on taking keys up to the cap', async () => {
    const { push } = await busy('latest');
    let waiting = 0;
    while (push(hundred(waiting)) === 'accepted') waiting += 1;
    expect(waiting).toBeGreaterThan(5);
    expect(push('with a key', 'k')).toBe('accepted');
    let keys = 0;
    while (push(hundred(keys), `key ${keys}`) === 'accepted') keys += 1;
    expect(keys).toBeGreaterThan(10);
    expect(push('the same key', 'k')).toBe('accepted');
    expect(push('no key')).toBe('congested');
  });

  it('keeps the earlier value when a later one does not fit below the cap', async () => {
    const { push, read } = await busy('latest');
    push('small', 'k');
    expect(push('l'.repeat(CAP), 'k')).toBe('congested');
    expect(await read()).toEqual(['small']);
  });
});

describe('keys', () => {
  it.each(['close', 'drop', 'drop-oldest'] as const)('are nothing to %s', async (policy) => {
    const { push, read } = await busy(policy, { holdAtBytes: policy === 'drop-oldest' ? HOLD_AT : 100_000 });
    push('a1', 'a');
    push('a2', 'a');
    expect(await read()).toEqual(['a1', 'a2']);
  });

  it('are nothing to a connection that keeps up: it gets every value', async () => {
    const { socket, outbox, push } = await busy('latest');
    socket.drain(outbox);
    push('a1', 'a');
    push('a2', 'a');
    await turn();
    expect(textsOf(Buffer.concat(socket.writes)).slice(1)).toEqual(['a1', 'a2']);
  });
});

describe('what waits', () => {
  it('goes to the socket in pieces that keep it busy, not all at once', async () => {
    const { push, socket, outbox } = await busy('drop-oldest');
    for (let index = 0; index < 9; index += 1) push('x'.repeat(400));
    socket.bufferedBytes = 0;
    outbox.drained();
    expect(socket.bufferedBytes).toBeGreaterThanOrEqual(HOLD_AT);
    expect(socket.bufferedBytes).toBeLessThan(2 * HOLD_AT);
  });

  it('is written before a close frame is: a flush leaves nothing back', async () => {
    const { push, socket, outbox } = await busy('latest');
    push('a', 'a');
    push('b', 'b');
    outbox.flush();
    expect(textsOf(Buffer.concat(socket.writes)).slice(1)).toEqual(['a', 'b']);
    expect(outbox.bufferedBytes).toBe(socket.bufferedBytes);
  });

  it('is forgotten with the connection', async () => {
    const { push, socket, outbox } = await busy('latest');
    push('a', 'a');
    outbox.discard();
    expect(outbox.bufferedBytes).toBe(socket.bufferedBytes);
  });

  it('keeps nothing alive but its own bytes, and once for all receivers of a broadcast', async () => {
    const [one, other] = [await busy('latest'), await busy('latest')];
    const frame = new KeyedFrame(frameText('small'), 'k');
    for (const { outbox } of [one, other]) outbox.push(frame);
    for (const { outbox } of [one, other]) outbox.push(new KeyedFrame(frameText('next'), 'k'));
    const [store, otherStore] = [one, other].map(({ dropped }) => dropped[0]!.frame.store);
    expect(store!.buffer.byteLength).toBe('small'.length + 2);
    expect(otherStore).toBe(store);
  });

  it('counts for more than its bytes, so that many small messages are bounded too', async () => {
    const { push, outbox } = await busy('drop-oldest');
    for (let index = 0; index < 10_000; index += 1) push('');
    expect(outbox.dropped).toBeGreaterThan(9900);
  });

  it('is compressed for a receiver that asked for it', async () => {
    const socket = new FakeSocket();
    const compress = compressFor({ thresholdBytes: 10, maxBytes: 1_000_000, level: 1 }, 15);
    const setting = { ...outboxSetting({ outboundPolicy: 'latest', highWaterMarkBytes: MARK, hardCapBytes: CAP }) };
    const dropped: Waiting[] = [];
    const owner = { onOutbound: () => undefined, onDropped: (message: Waiting) => void dropped.push(message) };
    const outbox = new Outbox(socket, { ...setting, holdAtBytes: 10 }, owner, compress);
    socket.takes = 0;
    outbox.push(frameText('first'.repeat(100)));
    await turn();
    const text = 'x'.repeat(1000);
    for (let count = 0; count < 2; count += 1) outbox.push(new KeyedFrame(frameText(text), 'k'));
    expect(outbox.bufferedBytes).toBeLessThan(WAITING_BYTES + 100);
    expect(dropped).toMatchObject([{ payloadLength: 1000 }]);
  });
});

describe('whatever happens', () => {
  type Step = { size: number; key: string | undefined } | 'read' | 'tick' | { take: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        size: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 * MARK })),
        key: fc.constantFrom(undefined, 'a', 'b', 'c'),
      }),
    },
    fc.record({ take: fc.integer({ min: 0, max: 3000 }) }),
    fc.constantFrom('read' as const, 'tick' as const),
  );

  it.each(outboundPolicies)('%s loses nothing silently, keeps the order and stays below the cap', async (policy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const holdAtBytes = policy === 'close' || policy === 'drop' ? MARK : HOLD_AT;
        const { outbox, socket, push, read, dropped } = await busy(policy, { holdAtBytes });
        const taken: string[] = [];
        let refused = 0;
        for (const [ordinal, one] of steps.entries()) {
          if (one === 'read') await read();
          else if (one === 'tick') await turn();
          else if ('take' in one) socket.takes = one.take;
          else {
            const text = `${ordinal} `.padEnd(one.size, 'x');
            if (push(text, one.key) === 'congested') refused += 1;
            else taken.push(text);
          }
          expect(outbox.bufferedBytes).toBeLessThanOrEqual(CAP);
        }
        await read();
        const gone = new Set(dropped.flatMap(({ frame }) => textsOf(frame.store.subarray(frame.start, frame.end))));
        expect(await read()).toEqual(taken.filter((text) => !gone.has(text)));
        expect(outbox.dropped).toBe(refused + dropped.length);
        expect(outbox.bufferedBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
