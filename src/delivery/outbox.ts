/**
 * What one connection has still to write.
 *
 * Theory of operation
 *
 * A push appends a frame; all outboxes that were appended to within a tick are
 * flushed together at its end, each with one write. That is one system call for
 * any number of messages to one receiver, which is where the time of a WebSocket
 * server goes. What is pushed while one read from the network is being handled
 * is flushed when all of it has been, which is the same moment without the cost
 * of a tick.
 *
 * Most outboxes that have anything to write have what others have as well: the
 * broadcasts of this tick and nothing else. Such an outbox holds the sequence that
 * it shares with them, and for the next broadcast it only moves to the longer one
 * (`sequence.ts`). As soon as it gets something for itself, or there is anything to
 * consider, it goes on with a batch of its own.
 *
 * A connection whose remote side does not read fills its outbox. At the
 * high-water mark the outbox is *congested*; what happens to a push then is the
 * owner's policy, and nothing is ever buffered beyond the hard cap. The owner
 * hears of it at the end of the tick, never from within a push: a push may come
 * from the middle of a broadcast, which no reaction must disturb.
 */
import type { Socket } from '../transport/contract.ts';
import { Batch, handOver, pieceOf } from './batch.ts';
import type { Compress } from './compression.ts';
import type { Frame } from './frame.ts';
import { followedBy, forgetSequence } from './sequence.ts';

/** Whom an outbox tells that it is congested, that a push met the congestion, or that it is empty again. */
export interface OutboxOwner {
  onOutbound(event: 'outbound.filled' | 'outbound.exceeded' | 'outbound.drained'): void;
}

/** How much an outbox may hold. */
export interface OutboxLimits {
  readonly highWaterMarkBytes: number;
  readonly hardCapBytes: number;
}

/** The outgoing messages of one socket, in the order in which they were pushed. */
export class Outbox {
  readonly #socket: Socket;
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;
  readonly #compress: Compress | undefined;
  // What waits for the end of the tick, in one of two forms; most connections have nothing waiting most of the time.
  /** Less than the high-water mark, and the socket had nothing left to write when it began. Shared with others. */
  #sequence: Frame | undefined;
  #batch: Batch | undefined;
  #congested = false;
  #told = false;
  #refused = false;
  #scheduled = false;

  constructor(socket: Socket, limits: OutboxLimits, owner: OutboxOwner, compress?: Compress) {
    this.#socket = socket;
    this.#limits = limits;
    this.#owner = owner;
    this.#compress = compress;
  }

  /** Bytes that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return ((this.#sequence ?? this.#batch)?.byteLength ?? 0) + this.#socket.bufferedBytes;
  }

  /** Takes `frame` for the end of this tick; `false` when the outbox is congested and the frame was refused. */
  push(frame: Frame): boolean {
    // A socket with a large buffer of its own may not have told that it is empty.
    if (this.#congested && this.#socket.bufferedBytes === 0) this.drained();
    if (this.#congested) {
      this.#refused = true;
      this.#schedule();
      return false;
    }
    const written = this.#compress === undefined ? frame : this.#compress(frame);
    return this.#sequence === undefined ? this.#begin(written) : this.#goOn(this.#sequence, written);
  }

  #begin(frame: Frame): boolean {
    if (
      this.#batch !== undefined ||
      this.#socket.bufferedBytes > 0 ||
      frame.byteLength >= this.#limits.highWaterMarkBytes
    )
      return this.#add(frame);
    // In this order, here and below, so that a caller whose stack is used up leaves nothing behind that is half done.
    this.#schedule();
    this.#sequence = frame;
    return true;
  }

  #goOn(sequence: Frame, frame: Frame): boolean {
    if (sequence.byteLength + frame.byteLength < this.#limits.highWaterMarkBytes) {
      const longer = followedBy(sequence, frame);
      if (longer !== undefined) {
        this.#sequence = longer;
        return true;
      }
    }
    const batch = emptyBatch();
    batch.add(sequence);
    this.#batch = batch;
    this.#sequence = undefined;
    return this.#add(frame);
  }

  #add(frame: Frame): boolean {
    if (this.bufferedBytes + frame.byteLength > this.#limits.hardCapBytes) return false;
    const batch = (this.#batch ??= emptyBatch());
    batch.add(frame);
    this.#schedule();
    // Only the operating system knows how much the remote side takes: ask it before calling anyone slow.
    if (batch.byteLength >= this.#limits.highWaterMarkBytes) this.flush();
    return true;
  }

  /** Writes what is pending now. To be called before anything else is written to the socket. */
  flush(): void {
    const sequence = this.#sequence;
    const batch = this.#batch;
    if (sequence !== undefined) {
      this.#sequence = undefined;
      handOver(this.#socket, pieceOf(sequence.store, sequence.start, sequence.end));
    } else if (batch !== undefined) {
      this.#batch = undefined;
      batch.drainTo(this.#socket);
      if (spare.length < MOST_SPARE) spare.push(batch);
    }
    if (!this.#congested && this.#socket.bufferedBytes >= this.#limits.highWaterMarkBytes) this.#congested = true;
  }

  /** The socket has taken everything. */
  drained(): void {
    if (!this.#congested) return;
    this.#congested = false;
    if (!this.#told) return;
    this.#told = false;
    this.#owner.onOutbound('outbound.drained');
  }

  /** @internal The end of the tick. */
  settle(): void {
    this.#scheduled = false;
    this.flush();
    if (this.#congested && !this.#told) {
      this.#told = true;
      this.#owner.onOutbound('outbound.filled');
    }
    if (this.#refused) {
      this.#refused = false;
      this.#owner.onOutbound('outbound.exceeded');
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    settleAtEndOfTick(this);
    this.#scheduled = true;
  }
}

/** Batches to be used again. */
const spare: Batch[] = [];
const MOST_SPARE = 1024;

function emptyBatch(): Batch {
  return spare.pop() ?? new Batch();
}

let waiting: Outbox[] = [];
/** Whether `settleOutboxes` is going to be called. */
let isAwaited = false;
let isSettling = false;

/** One callback at the end of the tick for all outboxes of the process. */
function settleAtEndOfTick(outbox: Outbox): void {
  // In this order, so that a caller whose stack is used up here leaves nothing that waits for a tick that never comes.
  if (!isAwaited) {
    process.nextTick(settleOutboxes);
    isAwaited = true;
  }
  waiting.push(outbox);
}

/**
 * Says that a piece of work begins after which the caller settles the outboxes itself, without waiting for the
 * end of the tick. `false` when it must not, because that is going to be done already.
 */
export function holdOutboxes(): boolean {
  if (isAwaited || isSettling) return false;
  isAwaited = true;
  return true;
}

/** Writes what waits in all outboxes. */
export function settleOutboxes(): void {
  isAwaited = false;
  if (waiting.length === 0) return;
  forgetSequence();
  const outboxes = waiting;
  waiting = [];
  isSettling = true;
  try {
    for (const outbox of outboxes) outbox.settle();
  } finally {
    isSettling = false;
  }
}
