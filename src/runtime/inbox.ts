/**
 * What a connection has received and not handled yet, in order.
 *
 * It is bounded without losing anything: at a bound, of messages or of bytes, the
 * socket is no longer read, and TCP makes the remote side wait. What one read
 * from the network had already brought still comes in; that is at most 64 KiB.
 */
import type { ServiceEvent } from '../service/events.ts';
import type { Socket } from '../transport/contract.ts';

export class Inbox {
  readonly #socket: Pick<Socket, 'pause' | 'resume'>;
  readonly #bound: number;
  readonly #boundBytes: number;
  #events: (ServiceEvent | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #isReading = true;
  #isFinal = false;

  constructor(socket: Pick<Socket, 'pause' | 'resume'>, bound: number, boundBytes: number) {
    this.#socket = socket;
    this.#bound = bound;
    this.#boundBytes = boundBytes;
  }

  /** Whether the socket is being read; while it is not, its silence means nothing. */
  get isReading(): boolean {
    return this.#isReading;
  }

  get size(): number {
    return this.#events.length - this.#first;
  }

  keep(event: ServiceEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    if (this.#isReading && (this.size >= this.#bound || this.#bytes >= this.#boundBytes)) this.#pause();
  }

  /** Takes the one that has waited longest. */
  take(): ServiceEvent | undefined {
    const event = this.#events[this.#first];
    if (event === undefined) return undefined;
    this.#events[this.#first++] = undefined;
    this.#bytes -= sizeOf(event);
    if (this.#first === this.#events.length) this.discard();
    else if (this.#first > 2 * this.#bound) this.#compact();
    const hasRoom = this.size <= this.#bound / 2 && this.#bytes <= this.#boundBytes / 2;
    if (hasRoom && !this.#isFinal) this.readAgain();
    return event;
  }

  discard(): void {
    this.#events.length = 0;
    this.#first = 0;
    this.#bytes = 0;
  }

  /** Takes in nothing more than what has arrived. */
  stopReading(): void {
    this.#isFinal = true;
    if (this.#isReading) this.#pause();
  }

  /** Reads the socket again: a close frame can only arrive at one that is read. */
  readAgain(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#socket.resume();
  }

  /** Frees the places of what was taken, for an inbox that never gets empty. */
  #compact(): void {
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
  }

  #pause(): void {
    this.#isReading = false;
    this.#socket.pause();
  }
}

/** About the bytes that an event holds: for text, its length, which is exact where most of it is. */
function sizeOf(event: ServiceEvent): number {
  if (event.type === 'ws.text') return event.text.length;
  return event.type === 'ws.binary' ? event.data.length : 0;
}
