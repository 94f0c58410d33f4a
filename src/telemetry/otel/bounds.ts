/**
 * Keeps the attributes of metrics to few values. Each combination of them is a
 * series that somebody stores, so none may be a stranger's to choose, nor grow
 * with the number of connections.
 */
import { closeCodes } from '../../close-codes.ts';

/** The value for all that there is no room for, as the semantic conventions have it for `error.type`. */
export const OTHER = '_OTHER';

/** Lets the first few values through, and calls the rest {@link OTHER}. */
export class Distinct {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(value);
    return value;
  }
}

/** The registered codes and those of the program by themselves; others, which strangers choose, by their range. */
export class CloseCodes {
  readonly #known: ReadonlySet<number>;

  constructor(own: readonly number[]) {
    this.#known = new Set([...Object.keys(closeCodes).map(Number), ...own]);
  }

  of(code: number): string {
    if (this.#known.has(code)) return String(code);
    if (code >= 3000 && code < 5000) return code < 4000 ? '3xxx' : '4xxx';
    return OTHER;
  }
}

/** The methods that the semantic conventions know; Node lets some more through. */
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY']);

export function methodOf(method: string | undefined): string {
  return method !== undefined && methods.has(method) ? method : OTHER;
}

/** A value for each combination of attributes, made once. At the bound the last one serves all that are new. */
export class Series<Value> {
  readonly #most: number;
  readonly #make: (parts: readonly string[]) => Value;
  readonly #values = new Map<string, Value>();

  constructor(most: number, make: (parts: readonly string[]) => Value) {
    this.#most = most;
    this.#make = make;
  }

  of(...parts: readonly string[]): Value {
    const key = parts.join('\n');
    let value = this.#values.get(key);
    if (value === undefined) {
      if (this.#values.size >= this.#most) return this.#overflow(parts.length);
      this.#values.set(key, (value = this.#make(parts)));
    }
    return value;
  }

  values(): Iterable<Value> {
    return this.#values.values();
  }

  #overflow(length: number): Value {
    const parts = Array.from({ length }, () => OTHER);
    const key = parts.join('\n');
    let value = this.#values.get(key);
    if (value === undefined) this.#values.set(key, (value = this.#make(parts)));
    return value;
  }
}
