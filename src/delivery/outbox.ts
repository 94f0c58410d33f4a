/**
 * What one connection has still to write.
 *
 * Theory of operation
 *
 * A push appends a frame; all outboxes that were appended to within a tick are
 * flushed together at its end, each with one write. That is one system call for
 * any number of messages to one receiver, which is where the time of a WebSocket
 * server goes.
 *
 * A connection whose remote side does not read fills its outbox. At the
 * high-water mark the outbox is *congested*; what happens to a push then is the
 * owner's policy, and nothing is ever buffered beyond the hard cap. The owner
 * hears of it at the end of the tick, never from within a push: a push may come
 * from the middle of a broadcast, which no reaction must disturb.
 */
import type { Socket } from '../transport/contract.ts';
import type { Frame } from './frame.ts';

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
  #frames: Frame[] = [];
  #pendingBytes = 0;
  #congested = false;
  #told = false;
  #refused = false;
  #scheduled = false;

  constructor(socket: Socket, limits: OutboxLimits, owner: OutboxOwner) {
    this.#socket = socket;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** Bytes that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#pendingBytes + this.#socket.bufferedBytes;
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
    if (this.bufferedBytes + frame.length > this.#limits.hardCapBytes) return false;
    this.#frames.push(frame);
    this.#pendingBytes += frame.length;
    this.#schedule();
    // Only the operating system knows how much the remote side takes: ask it before calling anyone slow.
    if (this.#pendingBytes >= this.#limits.highWaterMarkBytes) this.flush();
    return true;
  }

  /** Writes what is pending now. To be called before anything else is written to the socket. */
  flush(): void {
    if (this.#frames.length > 0) {
      const frames = this.#frames;
      this.#frames = [];
      this.#pendingBytes = 0;
      this.#socket.write(frames);
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

let waiting: Outbox[] = [];

/** One callback at the end of the tick for all outboxes of the process. */
function settleAtEndOfTick(outbox: Outbox): void {
  // In this order, so that a caller whose stack is used up here leaves nothing that waits for a tick that never comes.
  if (waiting.length === 0) process.nextTick(settleAll);
  waiting.push(outbox);
}

function settleAll(): void {
  const outboxes = waiting;
  waiting = [];
  for (const outbox of outboxes) outbox.settle();
}
