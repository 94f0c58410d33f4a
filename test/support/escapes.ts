import { setTimeout as afterTimers } from 'node:timers';
import { onTestFinished } from 'vitest';

const kinds = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Watches for errors that reach the process until the test ends. The listeners of the test runner
 * step aside meanwhile, so that a test may also show what would escape.
 */
export function watchProcess() {
  const escaped: unknown[] = [];
  for (const kind of kinds) {
    const own = (error: unknown): void => {
      escaped.push(error);
    };
    const others = process.rawListeners(kind) as (() => void)[];
    process.removeAllListeners(kind);
    process.on(kind, own);
    onTestFinished(() => {
      process.off(kind, own);
      for (const listener of others) process.on(kind, listener);
    });
  }

  /** Settles when whatever has been thrown so far has reached the process, if it does. */
  async function escapes(): Promise<readonly unknown[]> {
    // XState rethrows in a timer without a delay, and one that is set later fires later: this waits for those
    // timers, not for time to pass. The second round is for what promises do after this is called.
    for (let round = 0; round < 2; round++) {
      await new Promise<void>((resolve) => {
        afterTimers(resolve);
      });
    }
    return escaped;
  }

  return { escapes };
}
