/**
 * Keeps one connection's handler from running inside another's.
 *
 * XState delivers synchronously. A handler that closes another connection would
 * run that one's `onClose` on its own stack, which may close a third, and so on:
 * a chain of strangers could use up the stack in the middle of an actor. What
 * would run user code of another connection therefore waits until the outermost
 * piece of user code has returned, and is then done one after another.
 */
import { handlerBegins, handlerEnds } from './headroom.ts';

export class Turns {
  #depth = 0;
  #waiting: (() => void)[] = [];

  /** Runs user code. What it throws is thrown on. */
  during<Result>(userCode: () => Result): Result {
    this.enter();
    try {
      return userCode();
    } finally {
      this.leave();
    }
  }

  /** User code begins: what `during` does, where a closure for each message would be too much. */
  enter(): void {
    if (this.#depth === 0) handlerBegins();
    this.#depth++;
  }

  /** User code has ended. MUST follow `enter`, also when it threw. */
  leave(): void {
    try {
      if (this.#depth === 1) this.#runWaiting();
    } finally {
      this.#depth--;
      if (this.#depth === 0) handlerEnds();
    }
  }

  /** Does `work` now, or after the user code that is running. */
  after(work: () => void): void {
    if (this.#depth === 0) work();
    else this.#waiting.push(work);
  }

  /** Work that fails keeps none behind it; what it threw is thrown on when all is done. */
  #runWaiting(): void {
    const errors: unknown[] = [];
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const work of waiting) {
        try {
          work();
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
