/**
 * Closes many connections without making them all come back at once.
 *
 * All are told first. Then they are closed in batches spread over the first half
 * of the time, so that the second half is left for handlers and handshakes to
 * finish. Few connections make one batch, which is closed at once.
 */
import { checkCount, MAX_DELAY_MS } from '../arguments.ts';
import type { Clock } from './clock.ts';

/** How to drain. */
export interface DrainOptions {
  /** When everything that is left is destroyed, in ms. @defaultValue 10 000 */
  readonly timeoutMs?: number;
  /** How many connections are closed at once. @defaultValue 500 */
  readonly batchSize?: number;
}

/** A drain with the close code that the connections get. */
export interface DrainRequest {
  readonly timeoutMs: number;
  readonly batchSize: number;
  readonly code: number;
}

/** What is drained. */
interface Drainable {
  tellDraining(): void;
  finish(code: number, reason: string): void;
}

export class Drain {
  readonly #clock: Clock;
  readonly #request: DrainRequest;
  readonly #deadline: unknown;
  #nextBatch: unknown;
  #isOver = false;

  constructor(clock: Clock, request: DrainRequest, onTimedOut: () => void) {
    this.#clock = clock;
    this.#request = request;
    this.#deadline = clock.setTimeout(onTimedOut, request.timeoutMs);
  }

  /**
   * Tells and closes. Both happen in turns of their own, outside the service's actor, so that what a service
   * broadcasts when it is told goes out at once.
   */
  begin(connections: readonly Drainable[]): void {
    const { batchSize, timeoutMs } = this.#request;
    const batches = Math.ceil(connections.length / batchSize);
    setImmediate(() => {
      if (this.#isOver) return;
      for (const connection of connections) connection.tellDraining();
      setImmediate(() => this.#close(connections, 0, timeoutMs / 2 / batches));
    });
  }

  end(): void {
    this.#isOver = true;
    this.#clock.clearTimeout(this.#deadline);
    this.#clock.clearTimeout(this.#nextBatch);
  }

  #close(connections: readonly Drainable[], from: number, pauseMs: number): void {
    if (this.#isOver) return;
    const { batchSize, code } = this.#request;
    const next = from + batchSize;
    for (const connection of connections.slice(from, next)) connection.finish(code, '');
    // The last connection may have ended while its batch was being closed.
    if (this.#isOver || next >= connections.length) return;
    this.#nextBatch = this.#clock.setTimeout(() => this.#close(connections, next, pauseMs), pauseMs);
  }
}

/** `options` with defaults and a code. @throws {TroupeTypeError | TroupeRangeError} for a value that is none */
export function drainRequest({ timeoutMs = 10_000, batchSize = 500 }: DrainOptions = {}, code: number): DrainRequest {
  checkCount('drain.timeoutMs', timeoutMs, 0, MAX_DELAY_MS);
  checkCount('drain.batchSize', batchSize, 1, Number.MAX_SAFE_INTEGER);
  return { timeoutMs, batchSize, code };
}
