/** Client-to-server masking (RFC 6455 §5.3): masking and unmasking are the same. */

/** From so many bytes on four at a time are worth the preparation. */
const WORTH_WORDS = 256;

const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);

/**
 * Masks or unmasks `bytes` from `start` to `end`, in place, with the key that stands before `start`.
 * Returns all its bytes, or-ed: below 0x80 they are ASCII.
 */
export function toggleMask(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= WORTH_WORDS) return toggleWords(bytes, start, end);
  const key0 = bytes[start - 4]!;
  const key1 = bytes[start - 3]!;
  const key2 = bytes[start - 2]!;
  const key3 = bytes[start - 1]!;
  let seen = 0;
  let at = start;
  for (; at + 3 < end; at += 4) {
    seen |= (bytes[at]! ^= key0) | (bytes[at + 1]! ^= key1) | (bytes[at + 2]! ^= key2) | (bytes[at + 3]! ^= key3);
  }
  if (at < end) seen |= bytes[at]! ^= key0;
  if (at + 1 < end) seen |= bytes[at + 1]! ^= key1;
  if (at + 2 < end) seen |= bytes[at + 2]! ^= key2;
  return seen;
}

function toggleWords(bytes: Uint8Array, start: number, end: number): number {
  let seen = 0;
  const byte = (at: number): void => {
    seen |= bytes[at]! ^= bytes[start - 4 + ((at - start) & 3)]!;
  };
  let at = start;
  while (((bytes.byteOffset + at) & 3) !== 0) byte(at++);
  for (let index = 0; index < 4; index++) keyBytes[index] = bytes[start - 4 + ((at - start + index) & 3)]!;
  const key = keyWord[0]!;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2);
  let seenWords = 0;
  for (let index = 0; index < words.length; index++) seenWords |= words[index]! ^= key;
  for (at += words.length * 4; at < end; at++) byte(at);
  for (let shift = 0; shift < 32; shift += 8) seen |= (seenWords >> shift) & 0xff;
  return seen;
}
