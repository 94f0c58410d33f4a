/** Promises of any make: what user code returns need not be a native one, and may fail in every way. */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** A promise of its own, which settles once whatever the `then` of `thenable` does. */
export function promiseOf<Value>(thenable: PromiseLike<Value>): Promise<Value> {
  return new Promise((resolve) => {
    resolve(thenable);
  });
}

/** Tells `failed` when `result` is a promise that rejects, or cannot even be asked; never throws. */
export function onRejected(result: unknown, failed: (error: unknown) => void): void {
  try {
    if (!isThenable(result)) return;
    promiseOf(result).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Tells `settled` or `failed` what becomes of the result of `work`, which may throw, or return a promise of any make. */
export function onSettled(
  work: () => unknown,
  settled: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  let result: unknown;
  try {
    result = work();
    if (!isThenable(result)) {
      settled(result);
      return;
    }
  } catch (error) {
    failed(error);
    return;
  }
  // As if it had been there at once: what `settled` throws is told as well, and is no unhandled rejection.
  promiseOf(result).then(settled).catch(failed);
}
