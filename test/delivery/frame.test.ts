import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameBinary, frameText } from '../../src/delivery/frame.ts';
import { bytesOf } from '../support/frames.ts';

interface Parsed {
  fin: boolean;
  rsv: number;
  opcode: number;
  isMasked: boolean;
  /** 7, 16 or 64: in which of its three forms the length is written. */
  lengthBits: number;
  payload: Uint8Array;
  rest: Uint8Array;
}

/** A second reading of RFC 6455 §5.2, bit by bit, that shares nothing with the code under test. */
function parse(frame: Uint8Array): Parsed {
  // A plain copy: `slice` of a Buffer would be a Buffer, which vitest tells from a Uint8Array.
  const bytes = Uint8Array.from(frame);
  const bits = (byte: number, from: number, count: number): number => (byte >> (8 - from - count)) & (2 ** count - 1);
  const [first = 0, second = 0] = bytes;
  const short = bits(second, 1, 7);
  const lengthBits = short === 127 ? 64 : short === 126 ? 16 : 7;
  const extended = bytes.subarray(2, 2 + (lengthBits === 7 ? 0 : lengthBits / 8));
  const length = lengthBits === 7 ? short : extended.reduce((sum, byte) => sum * 256 + byte, 0);
  const start = 2 + extended.length;
  if (bytes.length < start + length)
    throw new Error(`${length} bytes are announced, ${bytes.length - start} are there`);
  return {
    fin: bits(first, 0, 1) === 1,
    rsv: bits(first, 1, 3),
    opcode: bits(first, 4, 4),
    isMasked: bits(second, 0, 1) === 1,
    lengthBits,
    payload: bytes.slice(start, start + length),
    rest: bytes.slice(start + length),
  };
}

/** The shortest form is the only valid one (§5.2: "the minimal number of bytes MUST be used"). */
function minimalBits(length: number): number {
  return length < 126 ? 7 : length < 65_536 ? 16 : 64;
}

const whole = { fin: true, rsv: 0, isMasked: false, rest: new Uint8Array() };
/** Both sides of each border between the forms of a length. */
const borders = [0, 1, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 1_048_576];

describe('a text frame', () => {
  it.each(borders)('of %i bytes is read by another parser as it was meant', (length) => {
    const { payload, ...head } = parse(bytesOf(frameText('x'.repeat(length))));
    expect(head).toEqual({ ...whole, opcode: 1, lengthBits: minimalBits(length) });
    expect(Buffer.alloc(length, 'x').equals(payload)).toBe(true);
  });

  it('has any text as UTF-8, a lone surrogate as the replacement character', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme' })), (text) => {
        const payload = new TextEncoder().encode(text);
        expect(parse(bytesOf(frameText(text)))).toEqual({
          ...whole,
          opcode: 1,
          lengthBits: minimalBits(payload.length),
          payload,
        });
      }),
    );
    expect(parse(bytesOf(frameText('a\ud800b'))).payload).toEqual(new TextEncoder().encode('a\ufffdb'));
  });

  it('counts bytes, not characters, where the form of the length changes', () => {
    // 42 × 3 bytes = 126
    expect(parse(bytesOf(frameText('€'.repeat(42))))).toMatchObject({ lengthBits: 16, payload: { length: 126 } });
  });
});

describe('a binary frame', () => {
  it.each(borders)('of %i bytes is read by another parser as it was meant', (length) => {
    const data = Uint8Array.from({ length }, (_, index) => index % 251);
    const { payload, ...head } = parse(bytesOf(frameBinary(data)));
    expect(head).toEqual({ ...whole, opcode: 2, lengthBits: minimalBits(length) });
    expect(Buffer.from(data).equals(payload)).toBe(true);
  });

  it('has any bytes exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        expect(parse(bytesOf(frameBinary(payload)))).toEqual({
          ...whole,
          opcode: 2,
          lengthBits: minimalBits(payload.length),
          payload,
        });
      }),
    );
  });

  it('has a view on a larger buffer and nothing beside it', () => {
    const buffer = Uint8Array.of(9, 9, 1, 2, 3, 9, 9);
    expect(parse(bytesOf(frameBinary(buffer.subarray(2, 5)))).payload).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('is a copy: what the caller does to its data later changes nothing', () => {
    const data = Uint8Array.of(1, 2, 3);
    const frame = frameBinary(data);
    data.fill(9);
    expect(parse(bytesOf(frame)).payload).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('the length of a message', () => {
  it.each(borders)('of %i bytes is read from its frame, text and binary', (length) => {
    expect(frameText('x'.repeat(length)).payloadLength).toBe(length);
    expect(frameBinary(new Uint8Array(length)).payloadLength).toBe(length);
  });
});

describe('frames in a row', () => {
  it('are separated by their lengths alone', () => {
    const message = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...borders.slice(0, 9)).map((length) => new Uint8Array(length)),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 10 }), (messages) => {
        let bytes: Uint8Array = Buffer.concat(
          messages.map((one) => bytesOf(typeof one === 'string' ? frameText(one) : frameBinary(one))),
        );
        for (const one of messages) {
          const frame = parse(bytes);
          expect(frame.payload).toEqual(typeof one === 'string' ? new TextEncoder().encode(one) : one);
          bytes = frame.rest;
        }
        expect(bytes).toHaveLength(0);
      }),
    );
  });
});
