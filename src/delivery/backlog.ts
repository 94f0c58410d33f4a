/**
 * What an outbox holds back while its socket is busy, for the policies that drop
 * some of it: `drop-oldest` and `latest`.
 *
 * What is kept stays in the order in which it was pushed. A message that takes
 * the place of an earlier one with its key therefore goes to the end: at the
 * place of the earlier one it would overtake what was pushed in between.
 *
 * Each message counts for more than its bytes, so that many small ones are
 * bounded as well; and a frame is copied out of its slab, or a few bytes that
 * wait for long would keep all of that alive.
 */
import { Frame, KeyedFrame } from './frame.ts';
import type { OutboxSetting } from './policy.ts';

/** About what the objects around one message take. */
export const WAITING_BYTES = 512;

/** A message that waits. */
export interface Waiting {
  readonly frame: Frame;
  readonly key: string | undefined;
  /** The bytes of the message itself, before it was compressed. */
  readonly payloadLength: number;
}

/** How many places of messages that are gone are put up with, for any number of those that wait. */
const MOST_VACANT = 64;

export class Backlog {
  readonly #setting: OutboxSetting;
  readonly #dropped: (message: Waiting) => void;
  /** In their order; the places of those that are gone are vacant. */
  #messages: (Waiting | undefined)[] = [];
  #first = 0;
  #size = 0;
  /** The places of those with a key. */
  #places = new Map<string, number>();
  /** What all that waits counts for. */
  bytes = 0;

  /** `dropped` is told of each message that was taken and will not be written after all. */
  constructor(setting: OutboxSetting, dropped: (message: Waiting) => void) {
    this.#setting = setting;
    this.#dropped = dropped;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /**
   * Lets `written`, the form of `pushed` that is for this receiver, wait; `false` when the policy refuses it.
   * `socketBytes` are with the socket.
   */
  add(written: Frame, pushed: Frame, socketBytes: number): boolean {
    const { policy, highWaterMarkBytes, hardCapBytes } = this.#setting;
    const cost = written.byteLength + WAITING_BYTES;
    const key = policy === 'latest' && pushed instanceof KeyedFrame ? pushed.key : undefined;
    const place = key === undefined ? undefined : this.#places.get(key);
    if (policy === 'latest') {
      // The keys are the program's, so they do not grow without end; a key that is new to it must not be left out.
      if (key === undefined && socketBytes + this.bytes >= highWaterMarkBytes) return false;
      const freed = place === undefined ? 0 : costOf(this.#messages[place]!);
      if (socketBytes + this.bytes - freed + cost > hardCapBytes) return false;
    } else {
      if (socketBytes + cost > hardCapBytes) return false;
      while (this.#size > 0 && socketBytes + this.bytes + cost > highWaterMarkBytes) this.#dropped(this.take()!);
    }
    const message = { frame: ownCopy(written), key, payloadLength: pushed.payloadLength };
    if (place !== undefined) this.#dropped(this.#remove(place));
    // In this order, so that a caller whose stack is used up leaves nothing behind that is half done.
    this.#messages.push(message);
    this.#size++;
    this.bytes += cost;
    if (key !== undefined) this.#places.set(key, this.#messages.length - 1);
    return true;
  }

  /** Takes out the one that has waited longest. */
  take(): Waiting | undefined {
    if (this.#size === 0) return undefined;
    while (this.#messages[this.#first] === undefined) this.#first++;
    return this.#remove(this.#first++);
  }

  #remove(place: number): Waiting {
    const message = this.#messages[place]!;
    this.bytes -= costOf(message);
    this.#messages[place] = undefined;
    this.#size--;
    if (message.key !== undefined) this.#places.delete(message.key);
    if (this.#messages.length > 2 * this.#size + MOST_VACANT) this.#closeRanks();
    return message;
  }

  /** Gives the vacant places back. */
  #closeRanks(): void {
    const messages = this.#messages.filter((message) => message !== undefined);
    const places = new Map<string, number>();
    for (const [place, { key }] of messages.entries()) if (key !== undefined) places.set(key, place);
    this.#messages = messages;
    this.#places = places;
    this.#first = 0;
  }
}

function costOf({ frame }: Waiting): number {
  return frame.byteLength + WAITING_BYTES;
}

let original: Frame | undefined;
let copy: Frame | undefined;

/** The same bytes in a buffer of no more than their size; one for all receivers of a broadcast that wait for it. */
function ownCopy(frame: Frame): Frame {
  const { store, start, end } = frame;
  if (store.length === end - start) return frame;
  if (frame === original && copy !== undefined) return copy;
  const own = Buffer.allocUnsafeSlow(end - start);
  store.copy(own, 0, start, end);
  original = frame;
  return (copy = new Frame(own, 0, own.length));
}
