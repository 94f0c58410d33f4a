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
 * A connection whose remote side does not read fills its outbox. When its socket
 * has enough left to write, the outbox *holds*: the socket is handed nothing more
 * until that is written. What is pushed meanwhile is refused, or waits in a
 * backlog where some of it may still be dropped: that is the policy (`policy.ts`),
 * and nothing is ever buffered beyond the hard cap. From the high-water mark on
 * the outbox is *congested*; with `latest`, which has older values make way at
 * once, as soon as it holds. The owner hears of it at the end of the tick, never
 * from within a push: a push may come from the middle of a broadcast, which no
 * reaction must disturb.
 */
import type { Socket } from '../transport/contract.ts';
import { Backlog, type Waiting } from './backlog.ts';
import { Batch, handOver, pieceOf } from './batch.ts';
import type { Compress } from './compression.ts';
import type { Frame } from './frame.ts';
import { holdsBack, type OutboxSetting } from './policy.ts';
import { followedBy, forgetSequence } from './sequence.ts';

/** Whom an outbox tells that it is congested, that a push met the congestion, or that it is empty again. */
export interface OutboxOwner {
  onOutbound(event: 'outbound.filled' | 'outbound.exceeded' | 'outbound.drained'): void;
  /** A message that waited will not be written. Told at once: MUST only take note. */
  onDropped(message: Waiting): void;
}

/**
 * - `delivered`: will be handed to the socket
 * - `accepted`: waits in the backlog, and may be dropped there
 * - `congested`: refused
 */
export type Pushed = 'delivered' | 'accepted' | 'congested';

/** The outgoing messages of one socket, in the order in which they were pushed. */
export class Outbox {
  readonly #socket: Socket;
  readonly #setting: OutboxSetting;
  readonly #owner: OutboxOwner;
  readonly #compress: Compress | undefined;
  // What waits for the end of the tick, in one of two forms; most connections have nothing waiting most of the time.
  /** Less than the high-water mark, and the socket had nothing left to write when it began. Shared with others. */
  #sequence: Frame | undefined;
  #batch: Batch | undefined;
  /** What was pushed while it holds, with the policies that keep it. */
  #backlog: Backlog | undefined;
  #holds = false;
  /** The owner knows of the congestion. */
  #told = false;
  /** Something was refused or dropped since the owner was told. */
  #exceeded = false;
  #scheduled = false;
  /** How many messages were refused or dropped so far. */
  dropped = 0;

  constructor(socket: Socket, setting: OutboxSetting, owner: OutboxOwner, compress?: Compress) {
    this.#socket = socket;
    this.#setting = setting;
    this.#owner = owner;
    this.#compress = compress;
  }

  /** Bytes that the operating system has not taken yet. */
  get bufferedBytes(): number {
    const waiting = this.#backlog?.bytes ?? 0;
    return ((this.#sequence ?? this.#batch)?.byteLength ?? 0) + waiting + this.#socket.bufferedBytes;
  }

  /** Takes `frame` for the end of this tick, or does with it what the policy says. */
  push(frame: Frame): Pushed {
    if (this.#holds) return this.#pushHeld(frame);
    const written = this.#compress === undefined ? frame : this.#compress(frame);
    return this.#sequence === undefined ? this.#begin(written) : this.#goOn(this.#sequence, written);
  }

  #pushHeld(frame: Frame): Pushed {
    // A socket with a large buffer of its own may not have told that it is empty.
    if (this.#socket.bufferedBytes === 0) this.drained();
    if (!this.#holds) return this.push(frame);
    this.#schedule();
    if (holdsBack(this.#setting.policy)) {
      const backlog = (this.#backlog ??= new Backlog(this.#setting, (message) => this.#drop(message)));
      const written = this.#compress === undefined ? frame : this.#compress(frame);
      if (backlog.add(written, frame, this.#socket.bufferedBytes)) return 'accepted';
    }
    this.#exceeded = true;
    return this.#refuse();
  }

  #refuse(): Pushed {
    this.dropped++;
    return 'congested';
  }

  #drop(message: Waiting): void {
    this.dropped++;
    this.#exceeded = true;
    this.#owner.onDropped(message);
  }

  #begin(frame: Frame): Pushed {
    if (this.#batch !== undefined || this.#socket.bufferedBytes > 0 || frame.byteLength >= this.#setting.holdAtBytes)
      return this.#add(frame);
    // In this order, here and below, so that a caller whose stack is used up leaves nothing behind that is half done.
    this.#schedule();
    this.#sequence = frame;
    return 'delivered';
  }

  #goOn(sequence: Frame, frame: Frame): Pushed {
    if (sequence.byteLength + frame.byteLength < this.#setting.holdAtBytes) {
      const longer = followedBy(sequence, frame);
      if (longer !== undefined) {
        this.#sequence = longer;
        return 'delivered';
      }
    }
    const batch = emptyBatch();
    batch.add(sequence);
    this.#batch = batch;
    this.#sequence = undefined;
    return this.#add(frame);
  }

  #add(frame: Frame): Pushed {
    if (this.bufferedBytes + frame.byteLength > this.#setting.hardCapBytes) return this.#refuse();
    const batch = (this.#batch ??= emptyBatch());
    batch.add(frame);
    this.#schedule();
    // Only the operating system knows how much the remote side takes: ask it before calling anyone slow.
    if (batch.byteLength >= this.#setting.holdAtBytes) this.#write();
    return 'delivered';
  }

  /** Writes all that there is now. To be called before something else is written to the socket. */
  flush(): void {
    this.#write();
    if (this.#backlog === undefined) return;
    const batch = emptyBatch();
    for (let next = this.#backlog.take(); next !== undefined; next = this.#backlog.take()) batch.add(next.frame);
    this.#backlog = undefined;
    this.#writeBatch(batch);
  }

  /** Forgets what is held back: nobody is there to write it to. */
  discard(): void {
    this.#backlog = undefined;
  }

  /** The socket has taken everything. */
  drained(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#writeBacklog();
    if (this.#holds || !this.#told) return;
    this.#told = false;
    this.#owner.onOutbound('outbound.drained');
  }

  /** @internal The end of the tick. */
  settle(): void {
    this.#scheduled = false;
    this.#write();
    if (this.#isCongested && !this.#told) {
      this.#told = true;
      this.#owner.onOutbound('outbound.filled');
    }
    if (this.#exceeded) {
      this.#exceeded = false;
      this.#owner.onOutbound('outbound.exceeded');
    }
  }

  get #isCongested(): boolean {
    if (!this.#holds || this.#setting.policy !== 'drop-oldest') return this.#holds;
    // What was dropped may have made so much room that it is just below the mark again.
    return this.#exceeded || this.bufferedBytes >= this.#setting.highWaterMarkBytes;
  }

  /** Writes what is for the end of the tick. */
  #write(): void {
    const sequence = this.#sequence;
    const batch = this.#batch;
    if (sequence !== undefined) {
      this.#sequence = undefined;
      handOver(this.#socket, pieceOf(sequence.store, sequence.start, sequence.end));
      this.#look();
    } else if (batch !== undefined) {
      this.#batch = undefined;
      this.#writeBatch(batch);
    }
  }

  #writeBatch(batch: Batch): void {
    batch.drainTo(this.#socket);
    if (spare.length < MOST_SPARE) spare.push(batch);
    this.#look();
  }

  /** Only the socket knows how much the operating system has taken. */
  #look(): void {
    if (this.#socket.bufferedBytes >= this.#setting.holdAtBytes) this.#holds = true;
  }

  /** Hands the socket what has waited, until it is busy again. */
  #writeBacklog(): void {
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    while (!this.#holds && !backlog.isEmpty) {
      const batch = emptyBatch();
      while (batch.byteLength < this.#setting.holdAtBytes && !backlog.isEmpty) batch.add(backlog.take()!.frame);
      this.#writeBatch(batch);
    }
    if (backlog.isEmpty) this.#backlog = undefined;
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
