/**
 * Reads the frames that almost all messages are, and leaves every other to `ws`.
 *
 * Theory of operation
 *
 * Nearly everything that arrives is a complete, unfragmented, masked frame in
 * one piece. Reading that takes a few lines, and done here it costs a quarter
 * of what the general parser takes, which has to be ready for any frame to stop
 * anywhere. The general parser is `ws`, and it stays in charge: whatever is not
 * such a frame goes to it byte for byte, fragments, frames in several pieces,
 * and everything from the first byte on that looks wrong, so that each protocol
 * error is found and answered by `ws` alone. Control frames are read here until
 * `ws` has been given anything; from then on it reads them, because it has to
 * know of a close frame.
 *
 * For that, the borders between frames are followed here even where `ws` reads:
 * it is always given whole frames, or the part of one that has arrived and then
 * the rest of it. `test/transport/fast-frames.test.ts` compares the two readers
 * on arbitrary bytes in arbitrary pieces.
 *
 * Source: RFC 6455 §5.2 and §5.5, §7.4 for the codes of close frames.
 */
import { isUtf8 } from 'node:buffer';
import { toggleMask } from './mask.ts';

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FIN = 0x80;
const RESERVED_BITS = 0x70;
const MASKED = 0x80;
const LONGEST_CONTROL = 125;
const MASK_BYTES = 4;
const LONGEST_HEADER = 14;

/** Who gets what was read. */
export interface FrameReader {
  onText(text: string): void;
  onBinary(data: Uint8Array): void;
  onPing(payload: Buffer): void;
  onPong(): void;
  /** A close frame that is as it must be; its payload is empty, or code and reason. Nothing more is read. */
  onCloseFrame(payload: Buffer): void;
  /** Bytes for the general parser. Returns how many messages, pings and pongs it found complete and right. */
  onOther(bytes: Buffer): number;
}

export class FastFrames {
  /** Whether control frames are read here. MUST be false before the general parser is given anything. */
  readsControl = false;
  readonly #reader: FrameReader;
  readonly #maxPayload: number;
  /** Bytes of the frame that the general parser is in the middle of, which are still to come. */
  #owed = 0;
  /** The beginning of a header that did not arrive in one piece; the general parser has it already. */
  #header: Buffer | undefined;
  /** Whether the frame that goes to the general parser ends a message. */
  #isFinal = false;
  /** How many messages, pings and pongs the general parser must find in what it is given next. */
  #expected = 0;
  /** A fragmented message has begun and not ended. */
  #isFragmented = false;
  /** Something was not as it must be: from there on everything is for the general parser. */
  #isGivenUp = false;
  #isEnded = false;
  /** The length of the payload that `#payloadOf` found. */
  #length = 0;

  constructor(reader: FrameReader, maxPayload: number) {
    this.#reader = reader;
    this.#maxPayload = maxPayload;
  }

  /** Nothing more is read, not even the rest of a piece that is being read. */
  end(): void {
    this.#isEnded = true;
  }

  /** Reads what has arrived. Unmasks in place. */
  read(bytes: Buffer): void {
    if (this.#isEnded) return;
    const { length } = bytes;
    /** Where the next frame starts; what lies between `given` and there is for the general parser. */
    let at = this.#goOn(bytes);
    let given = 0;
    while (at < length && !this.#isGivenUp) {
      const start = this.#payloadOf(bytes, at);
      if (start === 0) {
        at = this.#follow(bytes, at);
        continue;
      }
      if (given < at) {
        this.#give(bytes.subarray(given, at));
        if (this.#isEnded) return;
        given = at;
        // What the general parser was given may have changed who reads this frame.
        continue;
      }
      const end = start + this.#length;
      if (!this.#take(bytes, at, start, end)) break;
      given = at = end;
      if (this.#isEnded) return;
    }
    if (given < length) this.#give(given === 0 ? bytes : bytes.subarray(given));
  }

  /** Where the payload of the frame at `at` starts, if it is one to be read here; otherwise 0. */
  #payloadOf(bytes: Buffer, at: number): number {
    const first = bytes[at]!;
    const isData = first === (FIN | TEXT) || first === (FIN | BINARY);
    if (!isData && (!this.readsControl || first < (FIN | CLOSE) || first > (FIN | PONG))) return 0;
    if (this.#isFragmented || at + 2 + MASK_BYTES > bytes.length) return 0;
    const second = bytes[at + 1]!;
    let start = at + 2 + MASK_BYTES;
    let length = second & ~MASKED;
    if (second < MASKED || length === 127) return 0;
    if (length === 126) {
      if (!isData) return 0;
      start += 2;
      if (start > bytes.length) return 0;
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    }
    if (start + length > bytes.length || length > this.#maxPayload) return 0;
    this.#length = length;
    return start;
  }

  /** Hands over the frame at `at`; `false` leaves it as it was, because it is not valid. */
  #take(bytes: Buffer, at: number, start: number, end: number): boolean {
    const seen = toggleMask(bytes, start, end);
    switch (bytes[at]! & ~FIN) {
      case TEXT:
        if (seen < 0x80) this.#reader.onText(bytes.toString('latin1', start, end));
        else if (isUtf8(bytes.subarray(start, end))) this.#reader.onText(bytes.toString('utf8', start, end));
        else return this.#giveUp(bytes, start, end);
        return true;
      case BINARY:
        this.#reader.onBinary(bytes.subarray(start, end));
        return true;
      case PING:
        this.#reader.onPing(bytes.subarray(start, end));
        return true;
      case PONG:
        this.#reader.onPong();
        return true;
      default:
        return this.#takeClose(bytes, start, end);
    }
  }

  #takeClose(bytes: Buffer, start: number, end: number): boolean {
    const payload = bytes.subarray(start, end);
    if (!isClosePayload(payload)) return this.#giveUp(bytes, start, end);
    this.#isEnded = true;
    this.#reader.onCloseFrame(payload);
    return true;
  }

  /** Leaves the frame as it came, and all that follows. */
  #giveUp(bytes: Buffer, start: number, end: number): false {
    toggleMask(bytes, start, end);
    this.#isGivenUp = true;
    return false;
  }

  /**
   * Gives bytes to the general parser. If it does not find what is in them, something is wrong with them, which it
   * tells some ticks later; until then nothing may pass it.
   */
  #give(bytes: Buffer): void {
    const expected = this.#expected;
    this.#expected = 0;
    if (this.#reader.onOther(bytes) !== expected) this.#isGivenUp = true;
  }

  /** Follows a frame that began in an earlier piece; where the next one starts. */
  #goOn(bytes: Buffer): number {
    if (this.#header !== undefined) {
      const arrived = this.#header.length;
      const header = Buffer.concat([this.#header, bytes.subarray(0, LONGEST_HEADER)]);
      const size = this.#sizeOf(header, 0);
      if (this.#isGivenUp) return 0;
      this.#header = size === 0 ? header : undefined;
      if (size === 0) return bytes.length;
      this.#owed = size - arrived;
    }
    if (this.#owed === 0) return 0;
    return this.#pass(0, this.#owed, bytes.length);
  }

  /** Follows the frame at `at`, which is for the general parser; where the next one starts. */
  #follow(bytes: Buffer, at: number): number {
    const size = this.#sizeOf(bytes, at);
    if (this.#isGivenUp) return at;
    if (size > 0) return this.#pass(at, size, bytes.length);
    this.#header = Buffer.from(bytes.subarray(at));
    return bytes.length;
  }

  #pass(at: number, size: number, length: number): number {
    const end = Math.min(at + size, length);
    this.#owed = at + size - end;
    if (this.#owed === 0 && this.#isFinal) this.#expected++;
    return end;
  }

  /** The size of the frame at `at`; 0 while its header is not there. Gives up where it is not as it must be. */
  #sizeOf(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < 2) return 0;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    let length = second & ~MASKED;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (available < 2 + extended) return 0;
    if (extended === 2) length = bytes.readUInt16BE(at + 2);
    else if (extended === 8) length = Number(bytes.readBigUInt64BE(at + 2));

    const opcode = first & 0x0f;
    const isFinal = first >= FIN;
    const isControl = opcode >= CLOSE;
    const isPossible = isControl
      ? isFinal && opcode <= PONG && length <= LONGEST_CONTROL
      : opcode <= BINARY && (opcode === CONTINUATION) === this.#isFragmented;
    if (!isPossible || (first & RESERVED_BITS) !== 0 || second < MASKED || length > this.#maxPayload) {
      this.#isGivenUp = true;
      return 0;
    }
    if (!isControl) this.#isFragmented = !isFinal;
    this.#isFinal = isFinal;
    return 2 + extended + MASK_BYTES + length;
  }
}

/** Whether `payload` may be that of a close frame: nothing, or a code that may be sent and a reason. */
function isClosePayload(payload: Buffer): boolean {
  if (payload.length < 2) return payload.length === 0;
  const code = (payload[0]! << 8) | payload[1]!;
  const isRegistered = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
  if (!isRegistered && (code < 3000 || code > 4999)) return false;
  return payload.length === 2 || isUtf8(payload.subarray(2));
}
