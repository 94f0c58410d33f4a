/**
 * Server-to-client WebSocket frames: complete, unfragmented, unmasked.
 *
 * Theory of operation
 *
 * A message is framed once and the same bytes are written to every receiver.
 * Small frames are laid one behind another into a slab. So the frames that one
 * receiver gets in a tick mostly lie side by side already, and an outbox writes
 * them as one piece without copying; receivers of the same sequence even write
 * the same piece (`sequence.ts`).
 *
 * A slab is never used twice: what was written may still be on its way.
 *
 * Source: RFC 6455 §5.2.
 */

const FIN = 0x80;
const TEXT = 0x1;
const BINARY = 0x2;

const SLAB_BYTES = 16_384;
/** A message that may be longer than this gets a buffer of its own. */
const LARGE_BYTES = SLAB_BYTES / 4;
/** A character of a string is at most so many bytes of UTF-8. */
const BYTES_PER_CHARACTER = 3;
const LONGEST_HEADER = 10;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/** A complete frame, or several in their order, ready to be written to any number of sockets. Its bytes never change. */
export class Frame {
  /** The buffer that it lies in, from `start` to `end`. */
  readonly store: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(store: Buffer, start: number, end: number) {
    this.store = store;
    this.start = start;
    this.end = end;
  }

  get byteLength(): number {
    return this.end - this.start;
  }

  /** The bytes of the message of a single frame, without those of the header. */
  get payloadLength(): number {
    return this.byteLength - headerLength(this.store[this.start + 1]!);
  }
}

/** A frame of which only the latest with its key is of interest to a receiver who is behind. */
export class KeyedFrame extends Frame {
  readonly key: string;

  constructor({ store, start, end }: Frame, key: string) {
    super(store, start, end);
    this.key = key;
  }
}

/** Whether the message of a single frame is a binary one. */
export function isBinary({ store, start }: Frame): boolean {
  return (store[start]! & 0x0f) === BINARY;
}

/** Frames a text message. */
export function frameText(text: string): Frame {
  const most = text.length * BYTES_PER_CHARACTER;
  if (most > LARGE_BYTES) return frameLargeText(text);
  const start = reserve(most);
  // The length is known when the text is written, so the header's is guessed; it is wrong for few texts.
  const guess = text.length < 126 ? 2 : 4;
  const length = slab.write(text, start + guess);
  const header = length < 126 ? 2 : 4;
  if (header !== guess) slab.copyWithin(start + header, start + guess, start + guess + length);
  return finish(TEXT, start, header, length);
}

/** Frames a binary message. Copies `data`, so that the caller may go on using it. */
export function frameBinary(data: Uint8Array): Frame {
  const { length } = data;
  if (length > LARGE_BYTES) {
    const frame = allocate(BINARY, length);
    frame.store.set(data, frame.end - length);
    return frame;
  }
  const start = reserve(length);
  const header = length < 126 ? 2 : 4;
  slab.set(data, start + header);
  return finish(BINARY, start, header, length);
}

/** The frame that `store` holds from `start` to its end, made by another node; undefined if that is none of ours. */
export function frameOf(store: Buffer, start: number): Frame | undefined {
  const opcode = store[start]! & 0x0f;
  const code = store[start + 1];
  if (store[start] !== (FIN | opcode) || (opcode !== TEXT && opcode !== BINARY) || code === undefined || code > 127)
    return undefined;
  const header = headerLength(code);
  if (start + header > store.length) return undefined;
  const length =
    code < 126 ? code : code === 126 ? store.readUInt16BE(start + 2) : Number(store.readBigUInt64BE(start + 2));
  if (start + header + length !== store.length) return undefined;
  return new Frame(store, start, store.length);
}

/** Finds room for a message of at most `bytes`; where it starts. */
function reserve(bytes: number): number {
  if (used + LONGEST_HEADER + bytes > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  return used;
}

/** Writes the header of a message that lies in the slab. */
function finish(opcode: number, start: number, header: number, length: number): Frame {
  slab[start] = FIN | opcode;
  if (header === 2) {
    slab[start + 1] = length;
  } else {
    slab[start + 1] = 126;
    slab[start + 2] = length >> 8;
    slab[start + 3] = length & 0xff;
  }
  used = start + header + length;
  return new Frame(slab, start, used);
}

function frameLargeText(text: string): Frame {
  const length = Buffer.byteLength(text);
  const frame = allocate(TEXT, length);
  frame.store.write(text, frame.end - length);
  return frame;
}

/** A frame in a buffer of its own, of exactly its size. */
function allocate(opcode: number, length: number): Frame {
  const store = Buffer.allocUnsafeSlow(frameLength(length));
  writeHeader(store, 0, FIN | opcode, length);
  return new Frame(store, 0, store.length);
}

/** The bytes of a frame with a message of `length` bytes. */
export function frameLength(length: number): number {
  return length + headerLength(lengthCode(length));
}

/** Writes the header of a message of `length` bytes at `start`. Returns where the message is to be written. */
export function writeHeader(store: Buffer, start: number, firstByte: number, length: number): number {
  const code = lengthCode(length);
  store[start] = firstByte;
  store[start + 1] = code;
  if (code === 126) store.writeUInt16BE(length, start + 2);
  else if (code === 127) store.writeBigUInt64BE(BigInt(length), start + 2);
  return start + headerLength(code);
}

/** The second byte of the header of a message of `length` bytes. */
function lengthCode(length: number): number {
  return length < 126 ? length : length < 65_536 ? 126 : 127;
}

/** How long a header is, by its second byte. */
function headerLength(code: number): number {
  return code < 126 ? 2 : code === 126 ? 4 : LONGEST_HEADER;
}
