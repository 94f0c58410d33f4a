/**
 * A sequence of messages as bytes. Sequence numbers come again after
 * `messagesInRing`, so the frames of a whole run fit into a small ring, and what
 * arrives is compared with one memory comparison per chunk: content, framing and
 * order at once. The total is counted apart from that.
 */
import { clientFrame, opcodes, serverFrame } from './frames.ts';

export const messagesInRing = 64;

export class FrameRing {
  /** Each frame twice, so that any stretch of up to `ringBytes` lies in one piece. */
  readonly #twice: Buffer;
  readonly frameBytes: number;
  readonly ringBytes: number;

  constructor(frames: readonly Buffer[]) {
    const ring = Buffer.concat(frames);
    this.#twice = Buffer.concat([ring, ring]);
    this.ringBytes = ring.length;
    this.frameBytes = ring.length / frames.length;
    if (frames.some(({ length }) => length !== this.frameBytes))
      throw new RangeError('all frames must be equally long');
  }

  static fromServer(texts: readonly string[]): FrameRing {
    return new FrameRing(texts.map((text) => serverFrame(opcodes.text, Buffer.from(text))));
  }

  static fromClient(texts: readonly string[]): FrameRing {
    return new FrameRing(texts.map((text) => clientFrame(opcodes.text, Buffer.from(text))));
  }

  /** `count` frames from number `first` on, at most a ring full. */
  frames(first: number, count: number): Buffer {
    const start = (first * this.frameBytes) % this.ringBytes;
    return this.#twice.subarray(start, start + count * this.frameBytes);
  }

  /** Whether `bytes[from..to]` are the bytes at `position` of the sequence; at most a ring full. */
  matches(position: number, bytes: Buffer, from: number, to: number): boolean {
    const start = position % this.ringBytes;
    return this.#twice.compare(bytes, from, to, start, start + to - from) === 0;
  }
}
