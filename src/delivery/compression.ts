/**
 * Compressed frames: a message is deflated once, whoever receives it.
 *
 * Theory of operation
 *
 * Every socket that compresses has negotiated `server_no_context_takeover`, so
 * no message refers to one before it and the same bytes are valid for all of
 * them. The only difference that is left is the window. A receiver with a
 * smaller one than ours still takes every message that is no longer than its
 * window, as nothing in such a message can refer further back; longer ones go
 * to it as they are. So there is one compressed form of a message, never more.
 *
 * Deflating happens at once, on the thread of the event loop: behind a message
 * that is compressed elsewhere all later ones would have to wait, for each
 * receiver. `maxBytes` bounds how long that takes.
 *
 * Small compressed frames lie side by side in a slab of their own, so that
 * receivers of the same sequence write the same piece (`frame.ts`).
 *
 * Source: RFC 7692 §7.1, §7.2.1.
 */
import { constants, deflateRawSync } from 'node:zlib';
import { Frame, frameLength, writeHeader } from './frame.ts';

/** Which messages are compressed, and how hard zlib tries. */
export interface CompressionSettings {
  readonly thresholdBytes: number;
  readonly maxBytes: number;
  readonly level: number;
}

/** The form in which a frame goes to one receiver: its compressed form, or the frame itself. */
export type Compress = (frame: Frame) => Frame;

/** Marks the frame as compressed, RFC 7692 §6. */
const RSV1 = 0x40;

/** What a flush ends with; it is left out, and the receiver appends it again. */
const FLUSH_TAIL_BYTES = 4;

/** The window that zlib deflates with: nothing refers further back, however long the message is. */
const FULL_WINDOW_BITS = 15;

const SLAB_BYTES = 16_384;
/** A frame that is longer than this gets a buffer of its own. */
const LARGE_BYTES = SLAB_BYTES / 4;

/** How a receiver gets its messages that negotiated a window of 2^`windowBits` bytes. */
export function compressFor({ thresholdBytes, maxBytes, level }: CompressionSettings, windowBits: number): Compress {
  const most = windowBits < FULL_WINDOW_BITS ? Math.min(maxBytes, 2 ** windowBits) : maxBytes;
  return (frame) => {
    const length = frame.payloadLength;
    return length < thresholdBytes || length > most ? frame : compressed(frame, length, level);
  };
}

/** The compressed forms by level, for as long as somebody holds the frame: services with the same level share them. */
const known: WeakMap<Frame, Frame>[] = [];

function compressed(frame: Frame, length: number, level: number): Frame {
  const ofLevel = (known[level] ??= new WeakMap<Frame, Frame>());
  let result = ofLevel.get(frame);
  if (result === undefined) {
    result = compress(frame, length, level);
    ofLevel.set(frame, result);
  }
  return result;
}

function compress(frame: Frame, length: number, level: number): Frame {
  let data: Buffer;
  try {
    const message = frame.store.subarray(frame.end - length, frame.end);
    data = deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    // Out of memory or of stack: no reason not to deliver.
    return frame;
  }
  const compressedLength = data.length - FLUSH_TAIL_BYTES;
  if (compressedLength >= length) return frame;
  const result = place(frameLength(compressedLength));
  const { store, start } = result;
  data.copy(store, writeHeader(store, start, frame.store[frame.start]! | RSV1, compressedLength), 0, compressedLength);
  return result;
}

let slab = Buffer.alloc(0);
let used = 0;

/** Room for a frame. What was written may still be on its way, so a slab is never used twice. */
function place(bytes: number): Frame {
  if (bytes > LARGE_BYTES) return new Frame(Buffer.allocUnsafeSlow(bytes), 0, bytes);
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  used += bytes;
  return new Frame(slab, used - bytes, used);
}
