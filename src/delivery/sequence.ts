/**
 * Frames that several receivers get one behind another: one piece for all.
 *
 * Those who are at the same point of a sequence get the next frame one after
 * another, so the last answer is the one that is asked for again.
 */
import { Frame } from './frame.ts';

/** What is longer than this, and does not lie side by side already, is not copied together. */
const LONGEST_COPY_BYTES = 16_384;

let before: Frame | undefined;
let added: Frame | undefined;
let result: Frame | undefined;

/**
 * The frames of `sequence` with `frame` behind them, the same object for all who ask one after another. Undefined for
 * the first of them, who may be the only one, and where it would be long.
 */
export function followedBy(sequence: Frame, frame: Frame): Frame | undefined {
  if (sequence === before && frame === added) return (result ??= inOnePiece(sequence, frame));
  before = sequence;
  added = frame;
  result = undefined;
  return undefined;
}

/** Keeps nothing alive of what has been written. */
export function forgetSequence(): void {
  before = added = result = undefined;
}

/** What lies side by side is one piece already; what is short is copied together. */
function inOnePiece(first: Frame, second: Frame): Frame | undefined {
  if (first.store === second.store && first.end === second.start) {
    return new Frame(first.store, first.start, second.end);
  }
  const length = first.byteLength + second.byteLength;
  if (length > LONGEST_COPY_BYTES) return undefined;
  const copy = Buffer.allocUnsafeSlow(length);
  first.store.copy(copy, 0, first.start, first.end);
  second.store.copy(copy, first.byteLength, second.start, second.end);
  return new Frame(copy, 0, length);
}
