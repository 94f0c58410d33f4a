/** How much of the time goes into looking at actors: so that nobody who looks takes it from those who work. */
import type { Clock } from '../runtime/clock.ts';

const SECOND_MS = 1000;
/** How much of a second describing may take, in ms. */
const BUSY_MS = 200;

/** What is done in the middle of the actors' work: it cannot wait, so what does not fit into its share is left out. */
export class Share {
  #busyMs = 0;
  #since = 0;

  /** Whether this second's share has been taken. */
  get isSpent(): boolean {
    const now = performance.now();
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#busyMs = 0;
    }
    return this.#busyMs >= BUSY_MS;
  }

  timed<Result>(work: () => Result): Result {
    const begun = performance.now();
    try {
      return work();
    } finally {
      this.#busyMs += performance.now() - begun;
    }
  }
}

/** Of the time at most one part in so many goes into what waits. */
const PARTS = 10;
/** What may be taken at once after a rest: whoever asks little is answered without waiting. */
const CREDIT_MS = 50;
/** A single piece that took long is not waited for longer than this times {@link PARTS}. */
const DEBT_MS = 200;

/** What can wait, as answers can: one piece in a turn of the event loop, in the order in which they were asked for. */
export class Pace {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #isArranged = false;
  #creditMs = CREDIT_MS;
  #since: number;
  #timer: unknown;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Does a piece of work when there is time for it. */
  do<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error('what users wrote threw', { cause: error }));
        }
      });
      this.#arrange();
    });
  }

  /** Nothing is done any more: what waits never settles, so nobody may wait for it whom others wait for. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    this.#clock.clearTimeout(this.#timer);
  }

  #arrange(): void {
    if (this.#isStopped || this.#isArranged || this.#waiting.length === 0) return;
    this.#isArranged = true;
    const now = this.#clock.now();
    this.#creditMs = Math.min(CREDIT_MS, this.#creditMs + (now - this.#since) / PARTS);
    this.#since = now;
    if (this.#creditMs > 0) setImmediate(this.#next);
    else this.#timer = this.#clock.setTimeout(this.#next, Math.ceil(-this.#creditMs * PARTS) + 1);
  }

  readonly #next = (): void => {
    const begun = this.#clock.now();
    this.#waiting.shift()?.();
    const tookMs = this.#clock.now() - begun;
    this.#creditMs = Math.max(-DEBT_MS, this.#creditMs - tookMs);
    this.#isArranged = false;
    this.#arrange();
  };
}
