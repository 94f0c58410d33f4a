import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frame, frameText } from '../../src/delivery/frame.ts';
import { Outbox } from '../../src/delivery/outbox.ts';
import type { OutboxSetting } from '../../src/delivery/policy.ts';
import { bytesOf } from '../support/frames.ts';
import { FakeSocket } from '../support/fake-socket.ts';

const setting: OutboxSetting = { policy: 'close', highWaterMarkBytes: 1000, hardCapBytes: 5000, holdAtBytes: 1000 };

function create(limits: Partial<Pick<OutboxSetting, 'highWaterMarkBytes' | 'hardCapBytes'>> = {}) {
  const socket = new FakeSocket();
  const told: string[] = [];
  const { highWaterMarkBytes: holdAtBytes = 1000 } = limits;
  const owner = { onOutbound: (event: string) => told.push(event), onDropped: () => undefined };
  const outbox = new Outbox(socket, { ...setting, holdAtBytes, ...limits }, owner);
  return { socket, told, outbox };
}

/** The end of the tick: what was scheduled with `process.nextTick` has run. */
function endOfTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Of so many bytes, in a buffer of its own, and different from all others. */
function frameOf(bytes: number): Frame {
  return new Frame(Buffer.alloc(bytes, ordinal++), 0, bytes);
}

let ordinal = 1;

/** What frames are on the wire, in one piece. */
function joined(...frames: Frame[]): Uint8Array {
  return Buffer.concat(frames.map(bytesOf));
}

describe('within a tick', () => {
  it('many pushes are one write, at its end', async () => {
    const { socket, outbox } = create();
    const frames = ['one', 'two', 'three'].map(frameText);
    for (const frame of frames) expect(outbox.push(frame)).toBe('delivered');
    expect(socket.writes).toEqual([]);
    await endOfTick();
    expect(socket.writes).toEqual([joined(...frames)]);
  });

  it('each outbox writes for itself, in the order of the first pushes', async () => {
    const order: string[] = [];
    const outboxes = ['a', 'b'].map((name) => {
      const socket = new FakeSocket();
      socket.write = (bytes) => void order.push(`${name}${bytes.length}`);
      return new Outbox(socket, setting, { onOutbound: () => undefined, onDropped: () => undefined });
    });
    for (const index of [1, 0, 1]) outboxes[index]?.push(frameOf(1));
    await endOfTick();
    expect(order).toEqual(['b2', 'a1']);
  });

  it('counts what waits, and afterwards what the operating system has not taken', async () => {
    const { socket, outbox } = create();
    socket.takes = 30;
    outbox.push(frameOf(100));
    outbox.push(frameOf(20));
    expect(outbox.bufferedBytes).toBe(120);
    await endOfTick();
    expect(outbox.bufferedBytes).toBe(90);
  });

  it('frames of other nodes, which lie in one piece of memory with what came before them, are written as they are', async () => {
    const { socket, outbox } = create();
    const memory = new ArrayBuffer(12);
    Buffer.from(memory).set(Buffer.from('..one..two!!'));
    // As a client of Redis or NATS hands over messages: each a view of what was read, the frame behind a header.
    const frames = [Buffer.from(memory, 0, 5), Buffer.from(memory, 5, 5)].map((bytes) => new Frame(bytes, 2, 5));
    const written: string[] = [];
    for (const frame of frames) {
      outbox.push(frame);
      outbox.flush();
      written.push(Buffer.from(socket.writes.splice(0)[0]!).toString());
    }
    for (const frame of frames) outbox.push(frame);
    outbox.flush();
    written.push(Buffer.concat(socket.writes).toString());
    expect(written).toEqual(['one', 'two', 'onetwo']);
  });

  it('nothing is written when nothing was pushed', async () => {
    const { socket, outbox } = create();
    outbox.flush();
    await endOfTick();
    expect(socket.writes).toEqual([]);
  });

  it('a flush writes at once what is pending, and the end of the tick writes only what came later', async () => {
    const { socket, outbox } = create();
    const [early, late] = [frameText('early'), frameText('late')];
    outbox.push(early);
    outbox.flush();
    expect(socket.writes).toEqual([joined(early)]);
    outbox.push(late);
    await endOfTick();
    expect(socket.writes).toEqual([joined(early), joined(late)]);
  });

  it('frames that are pushed while the outbox tells its owner are written too', async () => {
    const socket = new FakeSocket();
    socket.takes = 0;
    const last = frameText('last');
    const outbox: Outbox = new Outbox(
      socket,
      { ...setting, highWaterMarkBytes: 100, holdAtBytes: 100 },
      {
        onOutbound(event) {
          if (event === 'outbound.drained') outbox.push(last);
        },
        onDropped: () => undefined,
      },
    );
    outbox.push(frameOf(100));
    await endOfTick();
    socket.drain(outbox);
    await endOfTick();
    expect(socket.writes.at(-1)).toEqual(joined(last));
  });
});

describe('at the high-water mark', () => {
  it('a connection whose operating system takes everything is never congested', async () => {
    const { socket, outbox, told } = create();
    for (let count = 0; count < 100; count += 1) expect(outbox.push(frameOf(500))).toBe('delivered');
    await endOfTick();
    expect(told).toEqual([]);
    expect(outbox.bufferedBytes).toBe(0);
    expect(Buffer.concat(socket.writes)).toHaveLength(100 * 500);
  });

  it('the operating system is asked before the connection is called slow', () => {
    const { socket, outbox } = create();
    outbox.push(frameOf(999));
    expect(socket.writes).toEqual([]);
    outbox.push(frameOf(1));
    expect(socket.writes).toHaveLength(1);
  });

  it('refuses the next push, and says so at the end of the tick only', async () => {
    const { socket, outbox, told } = create();
    socket.takes = 0;
    expect(outbox.push(frameOf(1000))).toBe('delivered');
    expect(outbox.push(frameOf(1))).toBe('congested');
    expect(outbox.push(frameOf(1))).toBe('congested');
    expect(told).toEqual([]);
    await endOfTick();
    expect(told).toEqual(['outbound.filled', 'outbound.exceeded']);
    expect(socket.writes).toHaveLength(1);
  });

  it('says once that it is full, and for each tick that a push met it', async () => {
    const { socket, outbox, told } = create();
    socket.takes = 0;
    outbox.push(frameOf(1000));
    await endOfTick();
    expect(told).toEqual(['outbound.filled']);
    await endOfTick();
    expect(told).toEqual(['outbound.filled']);
    outbox.push(frameOf(1));
    await endOfTick();
    outbox.push(frameOf(1));
    await endOfTick();
    expect(told).toEqual(['outbound.filled', 'outbound.exceeded', 'outbound.exceeded']);
  });

  it('one byte below it is not congested', async () => {
    const { socket, outbox, told } = create();
    socket.takes = 0;
    outbox.push(frameOf(999));
    await endOfTick();
    expect(told).toEqual([]);
    expect(outbox.push(frameOf(1))).toBe('delivered');
    await endOfTick();
    expect(told).toEqual(['outbound.filled']);
  });

  it('one message may be larger than the mark', async () => {
    const { socket, outbox } = create();
    socket.takes = 0;
    expect(outbox.push(frameOf(4000))).toBe('delivered');
    await endOfTick();
    expect(socket.bufferedBytes).toBe(4000);
  });

  it('takes frames again when the socket is drained, and says so once', async () => {
    const { socket, outbox, told } = create();
    socket.takes = 0;
    outbox.push(frameOf(1000));
    await endOfTick();
    socket.drain(outbox);
    outbox.drained();
    expect(told).toEqual(['outbound.filled', 'outbound.drained']);
    expect(outbox.push(frameOf(1))).toBe('delivered');
    await endOfTick();
    expect(told).toHaveLength(2);
  });

  it('says nothing of a congestion that is over before the end of the tick', async () => {
    const { socket, outbox, told } = create();
    socket.takes = 0;
    outbox.push(frameOf(1000));
    socket.drain(outbox);
    await endOfTick();
    expect(told).toEqual([]);
  });

  it('says nothing when the socket drains without a congestion', async () => {
    const { outbox, told } = create();
    outbox.push(frameOf(10));
    outbox.drained();
    await endOfTick();
    expect(told).toEqual([]);
  });
});

describe('at the hard cap', () => {
  it('refuses a frame that goes beyond it and takes one that just fits', () => {
    const { socket, outbox } = create({ highWaterMarkBytes: 5000, hardCapBytes: 5000 });
    socket.takes = 0;
    expect(outbox.push(frameOf(5001))).toBe('congested');
    expect(outbox.push(frameOf(4000))).toBe('delivered');
    expect(outbox.push(frameOf(1001))).toBe('congested');
    expect(outbox.push(frameOf(1000))).toBe('delivered');
    expect(outbox.bufferedBytes).toBe(5000);
  });

  it('counts what the operating system has not taken', async () => {
    const { socket, outbox } = create({ hardCapBytes: 1000 });
    socket.takes = 0;
    outbox.push(frameOf(600));
    await endOfTick();
    expect(outbox.push(frameOf(401))).toBe('congested');
    expect(outbox.push(frameOf(400))).toBe('delivered');
  });

  it('is never exceeded, the order is kept and nothing is written twice, whatever happens', async () => {
    type Step = { push: number } | { take: number } | 'drain' | 'flush' | 'tick';
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 5, arbitrary: fc.record({ push: fc.integer({ min: 2, max: 2000 }) }) },
      fc.record({ take: fc.integer({ min: 0, max: 3000 }) }),
      fc.constantFrom('drain' as const, 'flush' as const, 'tick' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { socket, outbox } = create();
        socket.takes = 0;
        const accepted: Frame[] = [];
        for (const one of steps) {
          if (one === 'drain') socket.drain(outbox);
          else if (one === 'flush') outbox.flush();
          else if (one === 'tick') await endOfTick();
          else if ('take' in one) socket.takes = one.take;
          else {
            const frame = frameOf(one.push);
            if (outbox.push(frame) === 'delivered') accepted.push(frame);
          }
          expect(outbox.bufferedBytes).toBeLessThanOrEqual(5000);
        }
        await endOfTick();
        expect(Buffer.concat(socket.writes).equals(joined(...accepted))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('outboxes that get the same', () => {
  const many = (count = 6, limits: Parameters<typeof create>[0] = {}) =>
    Array.from({ length: count }, () => create(limits));

  it('write the same piece, whether or not the frames lie side by side', async () => {
    const receivers = many();
    const frames = [frameText('one'), frameText('two'), frameOf(100)];
    for (const frame of frames) for (const { outbox } of receivers) outbox.push(frame);
    await endOfTick();
    for (const { socket } of receivers) expect(socket.writes).toEqual([joined(...frames)]);
    const [last, ...others] = receivers.slice(-3).map(({ socket }) => socket.writes[0]);
    for (const other of others) expect(other).toBe(last);
  });

  it('are not disturbed by one that gets something for itself in between', async () => {
    const receivers = many();
    const [first, own, second] = ['first', 'own', 'second'].map(frameText);
    for (const { outbox } of receivers) outbox.push(first!);
    receivers[4]!.outbox.push(own!);
    for (const { outbox } of receivers) outbox.push(second!);
    await endOfTick();
    for (const [index, { socket }] of receivers.entries())
      expect(socket.writes).toEqual([index === 4 ? joined(first!, own!, second!) : joined(first!, second!)]);
  });

  it('leave out those that a frame is not for', async () => {
    const receivers = many();
    const frames = ['a', 'b', 'c', 'd'].map(frameText);
    for (const [number, frame] of frames.entries())
      for (const [index, { outbox }] of receivers.entries()) if (index % 4 !== number) outbox.push(frame);
    await endOfTick();
    for (const [index, { socket }] of receivers.entries())
      expect(socket.writes).toEqual([joined(...frames.filter((_, number) => number !== index % 4))]);
  });

  it('ask the operating system at the high-water mark, each its own', () => {
    const receivers = many();
    for (let count = 0; count < 4; count += 1) {
      const frame = frameOf(250);
      for (const { outbox } of receivers) outbox.push(frame);
    }
    for (const { socket } of receivers) expect(socket.writes).toHaveLength(1);
  });

  it('take, refuse, tell and write what each would alone', async () => {
    type Step = { to: number[]; bytes: number } | { take: number; of: number } | 'drain' | 'flush' | 'tick';
    const all = [0, 1, 2, 3, 4];
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          // Mostly to all: those are the ones that stay together.
          to: fc.oneof(fc.constant(all), fc.subarray(all)),
          bytes: fc.oneof(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 2, max: 2000 })),
        }),
      },
      fc.record({ take: fc.integer({ min: 0, max: 3000 }), of: fc.constantFrom(...all) }),
      fc.constantFrom('drain' as const, 'flush' as const, 'tick' as const),
    );
    const caps = fc.constantFrom(1000, 1300, 5000);
    const seen = ({ socket, told, outbox }: ReturnType<typeof create>) => ({
      told,
      bufferedBytes: outbox.bufferedBytes,
      writes: socket.writes.map((piece) => Buffer.from(piece).toString('latin1')),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), caps, async (steps, isText, hardCapBytes) => {
        const together = many(all.length, { hardCapBytes });
        const alone = many(all.length, { hardCapBytes });
        for (const one of steps) {
          if (one === 'tick') await endOfTick();
          else if (one === 'drain') for (const { socket, outbox } of [together[0]!, alone[0]!]) socket.drain(outbox);
          else if (one === 'flush') for (const { outbox } of [together[1]!, alone[1]!]) outbox.flush();
          else if ('take' in one) for (const receivers of [together, alone]) receivers[one.of]!.socket.takes = one.take;
          else {
            const frame = isText ? frameText('x'.repeat(one.bytes)) : frameOf(one.bytes);
            const taken = one.to.map((index) => together[index]!.outbox.push(frame));
            // A frame that nobody else has is never shared.
            const own = () => new Frame(Buffer.from(bytesOf(frame)), 0, frame.byteLength);
            expect(taken).toEqual(one.to.map((index) => alone[index]!.outbox.push(own())));
          }
        }
        expect(together.map(seen)).toEqual(alone.map(seen));
        await endOfTick();
        expect(together.map(seen)).toEqual(alone.map(seen));
      }),
      { numRuns: 150 },
    );
  });
});
