/** Where the runtime gets its time from. XState's `SimulatedClock` fits, so tests move time instead of waiting. */
export interface Clock {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Milliseconds since any fixed moment; only differences are used. */
  now(): number;
}

/** Node's timers and a clock that never goes back. */
export const systemClock: Clock = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  now: () => performance.now(),
};
