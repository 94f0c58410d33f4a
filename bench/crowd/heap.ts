/** The heap without what nothing refers to. */

/** Several collections, with turns between them in which finalizers and closed handles let go of what they hold. */
export async function collectGarbage(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('this process needs --expose-gc');
  for (let time = 0; time < 4; time++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
}

/** Bytes in use after a collection. Buffers lie outside the heap. */
export interface Used {
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
}

export async function usedMemory(): Promise<Used> {
  await collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: external, resident: rss };
}
