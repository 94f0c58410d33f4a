/**
 * Reads JSON that strangers wrote.
 *
 * `JSON.parse` itself pollutes nothing: a key `__proto__` becomes a property like any other, and of a key that stands
 * twice the last one counts. What it lacks are bounds. It takes half a million nested arrays, which makes whoever goes
 * through them recursively run out of stack, and it reads numbers beyond all bounds as `Infinity`, which no JSON can
 * hold. Both are looked for before and after, in one pass over the text.
 */

export type JsonFault = 'not-json' | 'too-deep' | 'number-too-large';

export type JsonResult = { readonly value: unknown } | { readonly fault: JsonFault };

/** Fewer digits than these, with an exponent of none, are below the largest number, 1.8e308. */
const MANY_DIGITS = 300;
const QUOTE = 34;
const BACKSLASH = 92;

/** Parses `text`, of which objects and arrays may lie `maxDepth` deep in one another. */
export function parseJson(text: string, maxDepth: number): JsonResult {
  const scan = scanJson(text, maxDepth);
  if (scan === 'too-deep') return { fault: scan };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: 'not-json' };
  }
  return scan === 'has-large-number' && isBeyondBounds(value) ? { fault: 'number-too-large' } : { value };
}

/** What can be said of `text` without parsing it; of text that is no JSON, anything. */
function scanJson(text: string, maxDepth: number): 'too-deep' | 'has-large-number' | undefined {
  let depth = 0;
  let digits = 0;
  let hasLargeNumber = false;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isInString = false;
      continue;
    }
    if (code >= 48 && code <= 57) {
      if (++digits >= MANY_DIGITS) hasLargeNumber = true;
      continue;
    }
    // An exponent: `e` or `E` behind a digit, as in neither `true` nor `false`.
    if (digits > 0 && (code | 32) === 101) hasLargeNumber = true;
    digits = 0;
    if (code === QUOTE) isInString = true;
    // `{` and `[`, `}` and `]` differ in one bit.
    else if ((code | 32) === 123) {
      if (++depth > maxDepth) return 'too-deep';
    } else if ((code | 32) === 125) depth--;
  }
  return hasLargeNumber ? 'has-large-number' : undefined;
}

/** Whether a number in `value`, which is not deep, is infinite. */
function isBeyondBounds(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isBeyondBounds);
}
