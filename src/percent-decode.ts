/** Percent-decoding that answers instead of throwing: what it reads comes from strangers. */

/** `segment` decoded, or `undefined` when it is no valid percent-encoding. */
export function percentDecode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
