/** Waits that get longer from one attempt to the next, and counts of what happened lately. */
import type { FullBackoff } from '../service/supervision.ts';

/** How long to wait after `failures` attempts that failed, in ms; the first wait is for 1. */
export function waitAfter(failures: number, { minMs, maxMs, factor, jitter }: FullBackoff): number {
  // Nothing times a factor that has become infinite is no number.
  const wait = minMs === 0 ? 0 : Math.min(maxMs, minMs * factor ** (failures - 1));
  return wait * (1 + jitter * Math.random());
}

/** What happened within the last `withinMs`, as far as there is room: the earliest make room for the latest. */
export class Lately {
  readonly #room: number;
  readonly #withinMs: number;
  #times: number[] = [];

  constructor(room: number, withinMs: number) {
    this.#room = room;
    this.#withinMs = withinMs;
  }

  note(now: number): void {
    if (this.#times.length === this.#room) this.#times.shift();
    if (this.#room > 0) this.#times.push(now);
  }

  /** How many there are, up to the room. */
  countAt(now: number): number {
    return this.#times.filter((time) => now - time < this.#withinMs).length;
  }

  isFullAt(now: number): boolean {
    if (this.#times.length < this.#room) return false;
    return this.#room === 0 || now - this.#times[0]! < this.#withinMs;
  }

  /** Whether one more fills it. */
  isFilledAt(now: number): boolean {
    return this.countAt(now) + 1 >= this.#room;
  }

  clear(): void {
    this.#times = [];
  }
}
