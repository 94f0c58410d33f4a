import type { Frame } from '../../src/delivery/frame.ts';

/** What a frame is on the wire. */
export function bytesOf({ store, start, end }: Frame): Uint8Array {
  return store.subarray(start, end);
}
