import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameBinary, frameText, KeyedFrame, type Frame } from '../../../src/delivery/frame.ts';
import {
  answerMessage,
  askMessage,
  closeMessage,
  pushMessage,
  readMessage,
} from '../../../src/runtime/cluster/wire.ts';

const bytesOf = ({ store, start, end }: Frame): Buffer => store.subarray(start, end);

describe('what nodes say to each other', () => {
  it('carries a frame as it is, with its key and whom it leaves out', () => {
    const frames = fc.oneof(
      fc.constantFrom('', 'hello', '€ 💬', 'x'.repeat(125), 'ü'.repeat(126), '€'.repeat(30_000)).map(frameText),
      fc.nat(70_000).map((length) => frameBinary(new Uint8Array(length).fill(length))),
      fc.uint8Array({ maxLength: 300 }).map(frameBinary),
    );
    const key = fc.option(fc.constantFrom('k', '€ 💬', 'x'.repeat(512)), { nil: undefined });
    const except = fc.option(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 3 }),
      {
        nil: undefined,
      },
    );
    fc.assert(
      fc.property(frames, key, except, (plain, key, ids) => {
        const frame = key === undefined ? plain : new KeyedFrame(plain, key);
        const read = readMessage(pushMessage(frame, ids && new Set(ids)));
        if (read?.kind !== 'push') throw new Error('it is no push');
        expect(bytesOf(read.frame).equals(bytesOf(plain))).toBe(true);
        expect(read.frame instanceof KeyedFrame ? read.frame.key : undefined).toBe(key);
        expect(read.except && [...read.except]).toEqual(ids);
      }),
      { numRuns: 100 },
    );
  });

  it('carries a close, a question and an answer', () => {
    expect(readMessage(closeMessage(4001, 'bye €'))).toEqual({ kind: 'close', code: 4001, reason: 'bye €' });
    expect(readMessage(askMessage({ a: [1] }))).toEqual({ kind: 'ask', value: { a: [1] } });
    expect(readMessage(answerMessage('x'))).toEqual({ kind: 'answer', value: 'x' });
  });

  it('is left alone when it is of another version, cut off, or no frame that a client may get', () => {
    const push = pushMessage(new KeyedFrame(frameText('hello'), 'key'), new Set(['a', 'b']));
    for (let length = 0; length < push.length; length++) expect(readMessage(push.subarray(0, length))).toBeUndefined();
    expect(readMessage(Buffer.concat([push, Buffer.of(0)]))).toBeUndefined();
    expect(readMessage(Buffer.of(9, 1, 2, 3))).toBeUndefined();
    expect(readMessage(Buffer.of(3, 0x7b))).toBeUndefined();
    const masked = Buffer.of(1, 0, 0x81, 0x80, 1, 2, 3, 4);
    const fragment = Buffer.of(1, 0, 0x01, 0x01, 0x41);
    const close = Buffer.of(1, 0, 0x88, 0x00);
    for (const frame of [masked, fragment, close]) expect(readMessage(frame)).toBeUndefined();
  });

  it('closes nothing in a way that no server may', () => {
    for (const code of [0, 999, 1005, 1006, 1015, 5000]) expect(readMessage(closeMessage(code, ''))).toBeUndefined();
    expect(readMessage(closeMessage(1000, 'x'.repeat(124)))).toBeUndefined();
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 5 }), (bytes, kind) => {
        readMessage(Uint8Array.of(kind, ...bytes));
      }),
      { numRuns: 500 },
    );
  });
});
