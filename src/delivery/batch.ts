/**
 * The frames that an outbox has to write, as few pieces of memory.
 *
 * Frames that lie side by side are one piece and cost nothing to join. Small
 * pieces from different places are copied together: copying some hundred bytes
 * is far cheaper than handing one more piece to the operating system.
 */
import type { Frame } from './frame.ts';

/** A piece that is at least so long is not worth copying. */
const LONG_BYTES = 8192;

/** What takes the pieces. */
interface Writer {
  /** Bytes that it holds because the operating system has not taken them. */
  readonly bufferedBytes: number;
  write(piece: Uint8Array): void;
}

/** Frames in the order in which they were added. */
export class Batch {
  byteLength = 0;
  /** The piece that grows; the ones before it are in `#earlier`. */
  #store: Buffer | undefined;
  #start = 0;
  #end = 0;
  #earlier: Buffer[] | undefined;

  add({ store, start, end }: Frame): void {
    if (store !== this.#store || start !== this.#end) {
      if (this.#store !== undefined) (this.#earlier ??= []).push(pieceOf(this.#store, this.#start, this.#end));
      this.#store = store;
      this.#start = start;
    }
    this.#end = end;
    this.byteLength += end - start;
  }

  /** Takes everything out and hands it to `writer`. */
  drainTo(writer: Writer): void {
    if (this.#store === undefined) return;
    const last = pieceOf(this.#store, this.#start, this.#end);
    const earlier = this.#earlier;
    this.#store = this.#earlier = undefined;
    this.byteLength = 0;
    if (earlier === undefined) {
      handOver(writer, last);
      return;
    }
    earlier.push(last);
    for (const piece of joined(earlier)) handOver(writer, piece);
  }
}

/** What a writer has to keep must not keep a whole slab alive for the sake of one frame in it. */
export function handOver(writer: Writer, piece: Buffer): void {
  const isKept = writer.bufferedBytes > 0 && piece.buffer.byteLength > 2 * piece.length;
  writer.write(isKept ? Uint8Array.prototype.slice.call(piece) : piece);
}

let latest: Buffer = Buffer.alloc(0);

/**
 * A view of the store, which may be a view itself; the same one again for the receivers of one sequence, who ask for it
 * one after another.
 */
export function pieceOf(store: Buffer, start: number, end: number): Buffer {
  const { buffer, byteOffset } = store;
  if (latest.buffer !== buffer || latest.byteOffset !== byteOffset + start || latest.length !== end - start) {
    latest = store.subarray(start, end);
  }
  return latest;
}

/** Copies what is short together. */
function joined(pieces: readonly Buffer[]): Buffer[] {
  const result: Buffer[] = [];
  let short: Buffer[] = [];
  const join = (): void => {
    if (short.length > 0) result.push(short.length === 1 ? short[0]! : Buffer.concat(short));
    short = [];
  };
  for (const piece of pieces) {
    if (piece.length < LONG_BYTES) {
      short.push(piece);
    } else {
      join();
      result.push(piece);
    }
  }
  join();
  return result;
}
