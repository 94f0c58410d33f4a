/** Compares what one connection receives with the messages that it has to receive. */
import { opcodes, readFrame, type Frame } from './frames.ts';
import type { FrameRing } from './sequence.ts';

/** Something came that was not sent, or not then. The figure of such a run does not count. */
export class WrongMessage extends Error {
  override readonly name = 'WrongMessage';
}

const nothing = Buffer.alloc(0);

export class Verifier {
  readonly #expected: FrameRing;
  readonly #label: string;
  /** A frame between the messages: a ping, say. @returns whether it may be there */
  readonly #onOther: (frame: Frame) => boolean;
  /** How many bytes of messages have come and were right. */
  #position = 0;
  /** The start of a frame that is not all there and is no message. */
  #rest = nothing;

  constructor(expected: FrameRing, label: string, onOther: (frame: Frame) => boolean) {
    this.#expected = expected;
    this.#label = label;
    this.#onOther = onOther;
  }

  /** How many whole messages have come. */
  get messages(): number {
    return Math.floor(this.#position / this.#expected.frameBytes);
  }

  /** @returns how many messages became whole by `bytes` @throws {WrongMessage} */
  take(bytes: Buffer): number {
    const before = this.messages;
    if (this.#rest.length > 0 || !this.#takeMessages(bytes)) this.#takeFrames(Buffer.concat([this.#rest, bytes]));
    return this.messages - before;
  }

  /** The fast way: nothing but messages, as expected. Leaves everything as it is otherwise. */
  #takeMessages(bytes: Buffer): boolean {
    const { ringBytes } = this.#expected;
    let position = this.#position;
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + ringBytes);
      if (!this.#expected.matches(position, bytes, from, to)) return false;
      position += to - from;
      from = to;
    }
    this.#position = position;
    return true;
  }

  /** Frame by frame, with others between the messages. */
  #takeFrames(bytes: Buffer): void {
    const { frameBytes } = this.#expected;
    let at = 0;
    this.#rest = nothing;
    while (at < bytes.length) {
      const missing = frameBytes - (this.#position % frameBytes);
      const to = Math.min(bytes.length, at + missing);
      if (this.#expected.matches(this.#position, bytes, at, to)) {
        this.#position += to - at;
        at = to;
        continue;
      }
      const frame = missing === frameBytes ? readFrame(bytes.subarray(at)) : undefined;
      if (frame === undefined && missing === frameBytes && bytes.length - at < frameBytes) {
        this.#rest = Buffer.from(bytes.subarray(at));
        return;
      }
      if (frame === undefined || !this.#onOther(frame)) throw this.#wrong(bytes.subarray(at, at + missing));
      at += frame.size;
    }
  }

  #wrong(got: Buffer): WrongMessage {
    const expected = this.#expected.frames(this.messages, 1).subarray(-got.length);
    const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1').slice(0, 80));
    return new WrongMessage(
      `${this.#label}, message ${this.messages}: expected ${show(expected)}, got ${show(got)}. ` +
        'The server lost, altered or reordered messages.',
    );
  }
}

/** Pings are allowed anywhere; a close frame says why the server went away. */
export function closeReason(frame: Frame): string | undefined {
  if (frame.opcode !== opcodes.close) return undefined;
  const code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
  return `${code} ${frame.payload.subarray(2).toString()}`.trim();
}
