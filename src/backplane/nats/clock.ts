/**
 * The engine's clock as far as it is known here, in µs: never ahead of it, and
 * behind by no more than it took to ask.
 *
 * Epochs and generations come from it, because the clocks of nodes differ.
 */

/** What two clocks may drift apart between two beats, in µs: 100 in a million. */
const DRIFT = 200;

export class EngineClock {
  /** How much further the engine's clock is than this process's. */
  #ahead = Number.NEGATIVE_INFINITY;

  /** The engine said that it was `timeMs` at some moment before now. */
  observe(timeMs: number): void {
    if (Number.isFinite(timeMs) && timeMs > 0)
      this.#ahead = Math.max(timeMs * 1000 - processTime(), this.#ahead - DRIFT);
  }

  /** The engine's time, or just after `previous` when that is later. */
  after(previous: number): number {
    return Math.max(Math.floor(processTime() + this.#ahead), previous + 1);
  }
}

function processTime(): number {
  return performance.now() * 1000;
}
