/** Texts that must not be recorded, wherever they stand. */

/** Shorter ones are words, and would take out what they are part of. */
const SHORTEST = 8;
const MOST = 100;
const MAX_DEPTH = 8;

export const REDACTED = '[redacted]';

export class Secrets {
  /** The longest first: one may be part of another. */
  #texts: readonly string[] = [];

  /** Keeps the texts in `value` secret from now on. */
  add(value: unknown): void {
    const found = new Set(this.#texts);
    collect(value, found, new Set());
    this.#texts = [...found].toSorted((one, other) => other.length - one.length);
  }

  /** `text` without them. */
  scrub(text: string): string {
    let scrubbed = text;
    for (const secret of this.#texts) scrubbed = scrubbed.replaceAll(secret, REDACTED);
    return scrubbed;
  }
}

function collect(value: unknown, found: Set<string>, seen: Set<unknown>): void {
  if (found.size >= MOST) return;
  if (typeof value === 'string') {
    if (value.length >= SHORTEST) found.add(value);
    return;
  }
  if (typeof value !== 'object' || value === null || seen.size > MAX_DEPTH * MOST || seen.has(value)) return;
  seen.add(value);
  try {
    const inside =
      value instanceof Map || value instanceof URLSearchParams ? [...value.values()] : Object.values(value);
    for (const one of inside) collect(one, found, seen);
  } catch {
    // What cannot be read will not be recorded either.
  }
}
