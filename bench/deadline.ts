/** No part of a run waits for ever: what does not arrive is lost, and says so. */

export class TooLate extends Error {
  override readonly name = 'TooLate';
}

/** @throws {TooLate} `what` did not happen in time. */
export async function within<T>(timeoutMs: number, what: string, happening: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TooLate(`${what} did not come within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([happening, late]);
  } finally {
    clearTimeout(timer);
  }
}
