/** How long the end of a connection may take: once for a handler that is still running, once more for `onClose`. */
import { Due, type TimerWheel } from './timer-wheel.ts';

export class CloseDeadline extends Due {
  readonly #closeTimeoutMs: number;
  readonly #timedOut: () => void;

  /** Begins at once, and again each time that it is met. */
  constructor(wheel: TimerWheel, closeTimeoutMs: number, timedOut: () => void) {
    super(wheel);
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#timedOut = timedOut;
    this.set(closeTimeoutMs);
  }

  override meet(): void {
    this.set(this.#closeTimeoutMs);
    this.#timedOut();
  }
}
