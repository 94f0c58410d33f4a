import { randomBytes } from 'node:crypto';
import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressFor, type CompressionSettings } from '../../src/delivery/compression.ts';
import { frameBinary, frameText, type Frame } from '../../src/delivery/frame.ts';
import { Outbox } from '../../src/delivery/outbox.ts';
import { outboxSetting } from '../../src/delivery/policy.ts';
import { bytesOf } from '../support/frames.ts';

const all: CompressionSettings = { thresholdBytes: 0, maxBytes: Infinity, level: 6 };
const RSV1 = 0x40;

function isCompressed(frame: Frame): boolean {
  return (bytesOf(frame)[0]! & RSV1) !== 0;
}

/** The message in a frame, as a receiver with that window reads it (RFC 7692 §7.2.2). */
function read(frame: Frame, windowBits = 15): Buffer {
  const payload = frame.store.subarray(frame.end - frame.payloadLength, frame.end);
  if (!isCompressed(frame)) return Buffer.from(payload);
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
}

/** Words in a random order: compressible, and with repetitions at every distance. */
const sentences = fc
  .array(fc.constantFrom('connection', 'group', 'broadcast', 'ünïcode', ' ', '7', '{"id":'), { maxLength: 2000 })
  .map((words) => words.join(''));

/** A socket that takes everything at once. */
const deafSocket = {
  bufferedBytes: 0,
  bytesReceived: 0,
  ping() {},
  close() {},
  destroy() {},
  pause() {},
  resume() {},
};

describe('a compressed frame', () => {
  it('has the opcode of its message and the first reserved bit', () => {
    const compress = compressFor(all, 15);
    expect(bytesOf(compress(frameText('x'.repeat(100))))[0]).toBe(0xc1);
    expect(bytesOf(compress(frameBinary(new Uint8Array(100))))[0]).toBe(0xc2);
  });

  it('begins as the example of RFC 7692 §7.2.3.1', () => {
    // "Hello" alone does not become smaller.
    const frame = bytesOf(compressFor(all, 15)(frameText('HelloHelloHelloHello')));
    expect([...frame.subarray(2, 7)]).toEqual([0xf2, 0x48, 0xcd, 0xc9, 0xc9]);
    expect(frame).toHaveLength(2 + frame[1]!);
  });

  it('leaves out the end of the flush, and says its length in each of the three forms', () => {
    const compress = compressFor(all, 15);
    for (const bytes of [60, 20_000, 200_000]) {
      // Takes about half its room.
      const text = randomBytes(bytes).toString('hex');
      const frame = compress(frameText(text));
      expect(isCompressed(frame)).toBe(true);
      expect([...bytesOf(frame).subarray(-4)]).not.toEqual([0, 0, 0xff, 0xff]);
      expect(read(frame).toString() === text).toBe(true);
    }
  });

  it('is read back as its message in every window, and is never longer', () => {
    fc.assert(
      fc.property(
        sentences,
        fc.integer({ min: 8, max: 15 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 300 }),
        (text, windowBits, level, thresholdBytes) => {
          const plain = frameText(text);
          const frame = compressFor({ ...all, level, thresholdBytes }, windowBits)(plain);
          expect(frame.byteLength).toBeLessThanOrEqual(plain.byteLength);
          expect(read(frame, windowBits).toString()).toBe(text);
        },
      ),
    );
  });

  it('is made once, and is the same for all windows, services and thresholds', () => {
    const plain = frameText('once '.repeat(50));
    const frame = compressFor(all, 15)(plain);
    for (const windowBits of [15, 12, 9, 8]) {
      expect(compressFor({ ...all, thresholdBytes: 100 }, windowBits)(plain)).toBe(frame);
    }
  });

  it('leaves the plain frame as it is', () => {
    const plain = frameText('untouched '.repeat(50));
    const before = Buffer.from(bytesOf(plain));
    compressFor(all, 15)(plain);
    expect(bytesOf(plain)).toEqual(before);
  });
});

describe('a message goes as it is', () => {
  it.each([
    { title: 'below the threshold', bytes: 99 },
    { title: 'beyond the maximum', bytes: 201 },
  ])('$title', ({ bytes }) => {
    const plain = frameText('x'.repeat(bytes));
    expect(compressFor({ ...all, thresholdBytes: 100, maxBytes: 200 }, 15)(plain)).toBe(plain);
  });

  it.each([100, 200])('not at the threshold nor at the maximum: %i bytes', (bytes) => {
    const compress = compressFor({ ...all, thresholdBytes: 100, maxBytes: 200 }, 15);
    expect(isCompressed(compress(frameText('x'.repeat(bytes))))).toBe(true);
  });

  it('when it is longer than the window of its receiver', () => {
    const plain = frameText('x'.repeat(1025));
    expect(compressFor(all, 10)(plain)).toBe(plain);
    expect(isCompressed(compressFor(all, 11)(plain))).toBe(true);
  });

  it('when it does not become smaller, and that is found out once', () => {
    const compress = compressFor(all, 15);
    for (const plain of [
      frameText(''),
      frameText('Hello'),
      frameBinary(Uint8Array.from({ length: 256 }, (_, i) => i)),
    ]) {
      expect(compress(plain)).toBe(plain);
      expect(compress(plain)).toBe(plain);
    }
  });
});

const owner = { onOutbound: () => undefined, onDropped: () => undefined };
const setting = (highWaterMarkBytes: number, hardCapBytes: number) =>
  outboxSetting({ outboundPolicy: 'close', highWaterMarkBytes, hardCapBytes });

describe('an outbox that compresses', () => {
  it('writes small messages of one tick as one piece, the same for all receivers', () => {
    const written: Uint8Array[] = [];
    const outboxes = [15, 12].map((windowBits) => {
      const socket = { ...deafSocket, write: (bytes: Uint8Array) => void written.push(bytes) };
      return new Outbox(socket, setting(65_536, 65_536), owner, compressFor(all, windowBits));
    });
    const texts = ['one ', 'two ', 'three '].map((word) => word.repeat(50));
    for (const frame of texts.map(frameText)) for (const outbox of outboxes) outbox.push(frame);
    for (const outbox of outboxes) outbox.flush();

    expect(written).toHaveLength(2);
    expect(written[1]).toBe(written[0]);
  });

  it('counts what is written, not what was pushed', () => {
    const writes: Uint8Array[] = [];
    const socket = { ...deafSocket, write: (bytes: Uint8Array) => void writes.push(bytes) };
    const outbox = new Outbox(socket, setting(500, 1000), owner, compressFor(all, 15));
    const plain = frameText('x'.repeat(100_000));

    expect(outbox.push(plain)).toBe('delivered');
    const frame = compressFor(all, 15)(plain);
    expect(outbox.bufferedBytes).toBe(frame.byteLength);
    outbox.flush();
    expect(writes).toEqual([bytesOf(frame)]);
  });
});
