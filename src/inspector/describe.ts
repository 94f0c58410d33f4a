/**
 * Turns any value into something small that JSON can hold, whatever the value does.
 *
 * What is described belongs to the code of users: it may be huge, cyclic, or fail when it is looked at. So every level
 * is bounded, all levels together are bounded as well, each property is read at most once, and whatever throws leaves
 * a mark in its place. Nothing is held on to.
 */
import { types } from 'node:util';
import { isThenable, onRejected } from '../thenable.ts';
import { keysOf } from './keys.ts';
import type { Described, DescribedError } from './protocol.ts';

/** What is shown at most. */
export interface Bounds {
  /** Levels of objects within objects. */
  readonly depth: number;
  /** Keys of an object, items of a list. */
  readonly items: number;
  /** Characters of one string. */
  readonly characters: number;
  /** Characters of the whole, about. */
  readonly total: number;
}

export const defaultBounds: Bounds = { depth: 6, items: 100, characters: 2000, total: 32_000 };

/** Says what is to be shown in the place of `value`; `path` leads to it from what is described. May throw. */
export type Redact = (path: readonly string[], value: unknown) => unknown;

const SHOWN_BYTES = 32;
/** What anything costs beside its characters: commas, quotes. */
const OVERHEAD = 4;

const UNREADABLE = '[unreadable]';
const THREW = '[threw when read]';
const PROMISE = '[promise]';

/** Describes `value`, the thing at `path`. */
export function describe(
  value: unknown,
  path: readonly string[] = [],
  redact?: Redact,
  bounds = defaultBounds,
): Described {
  return new Description(bounds, redact).of(value, path) ?? null;
}

/** A chart is as deep as its author made it: what is left out of a state value would be shown as inactive. */
const stateBounds: Bounds = { ...defaultBounds, depth: 100, items: 500 };

/** Describes the active states of a chart: they are no data of anybody. */
export function describeState(value: unknown): Described {
  return describe(value, [], undefined, stateBounds);
}

/** As {@link describe}, but `undefined` if anything had to be left out because the whole is too large. */
export function describeWhole(
  value: unknown,
  path: readonly string[],
  redact: Redact,
  bounds: Bounds,
): Described | undefined {
  const description = new Description(bounds, redact);
  const described = description.of(value, path);
  return description.isCut ? undefined : described;
}

/** An error as text. Anything may be thrown, also what fails when it is looked at. */
export function describeError(error: unknown, redact?: Redact, bounds = defaultBounds): DescribedError {
  const described = describe(error, ['error'], redact, bounds);
  try {
    if (!(error instanceof Error)) return { name: typeof error, message: textOf(described) };
  } catch {
    return { name: 'unknown', message: UNREADABLE };
  }
  if (typeof described !== 'object' || described === null || Array.isArray(described))
    return { name: 'unknown', message: textOf(described) };
  const { name, message, stack } = described as Readonly<Record<string, Described | undefined>>;
  return {
    name: textOf(name),
    message: textOf(message),
    ...(stack !== undefined && { stack: textOf(stack) }),
  };
}

function textOf(described: Described | undefined): string {
  return typeof described === 'string' ? described : JSON.stringify(described ?? null);
}

/** At most `most` characters of `text`, and how many there are beyond them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not in the middle of a surrogate pair.
  const end = /[\uD800-\uDBFF]/.test(text[most - 1]!) ? most - 1 : most;
  return `${text.slice(0, end)}… [${text.length - end} more characters]`;
}

class Description {
  readonly #bounds: Bounds;
  readonly #redact: Redact | undefined;
  /** The objects around the one that is being described. */
  readonly #around: object[] = [];
  /** Levels of objects around it. */
  #depth = 0;
  #left: number;

  constructor(bounds: Bounds, redact: Redact | undefined) {
    this.#bounds = bounds;
    this.#redact = redact;
    this.#left = bounds.total;
  }

  /** Whether something was left out because the whole is too large. */
  get isCut(): boolean {
    return this.#left <= 0;
  }

  /** `undefined` for what JSON leaves out. What `toJSON` has returned is asked for no JSON of its own. */
  of(actual: unknown, path: readonly string[], isJson = false): Described | undefined {
    if (this.#left <= 0) return '[…]';
    this.#left -= OVERHEAD;
    let value = actual;
    if (this.#redact !== undefined) {
      try {
        value = this.#redact(path, actual);
        // It was made for us, so nobody else waits for it.
        if (value !== actual && isThenable(value)) return taken(value);
      } catch {
        return '[redacted]';
      }
    }
    switch (typeof value) {
      case 'string':
        return this.#text(cut(value, this.#bounds.characters));
      case 'number':
        return Number.isFinite(value) ? value : `[${value}]`;
      case 'boolean':
        return value;
      case 'bigint':
        // An enormous one takes long to write out.
        return value > -(2n ** 1024n) && value < 2n ** 1024n ? this.#text(`${value}n`) : '[a huge bigint]';
      case 'symbol':
        return this.#text(cut(String(value), 100));
      case 'undefined':
        return undefined;
      case 'function':
        return this.#text(nameOf(value));
      default:
        return value === null ? null : this.#object(value as object, path, isJson);
    }
  }

  #object(value: object, path: readonly string[], isJson: boolean): Described | undefined {
    if (this.#around.includes(value)) return '[cyclic]';
    try {
      if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return this.#text(bytesOf(value));
      // A getter may have made it just now: that it rejects must not end the process.
      if (types.isPromise(value)) return taken(value);
      if (value instanceof Error) return this.#error(value, path);
      if (value instanceof RegExp) return this.#text(cut(String(value), 200));
      if (!isJson && this.#depth >= this.#bounds.depth) return Array.isArray(value) ? '[list]' : '[object]';
    } catch {
      return UNREADABLE;
    }
    this.#around.push(value);
    // What stands for another value is no level of its own.
    if (!isJson) this.#depth++;
    try {
      return this.#plain(value, path, isJson);
    } catch {
      return UNREADABLE;
    } finally {
      this.#around.pop();
      if (!isJson) this.#depth--;
    }
  }

  #plain(value: object, path: readonly string[], isJson: boolean): Described | undefined {
    if (Array.isArray(value)) return this.#list(value, value.length, path);
    if (value instanceof Map) return this.#map(value, path);
    if (value instanceof Set) return this.#list(value, value.size, path);
    if (isJson) return this.#keys(value, path);
    const toJSON = fieldOf(value, 'toJSON');
    if (typeof toJSON !== 'function') return this.#keys(value, path);
    const json: unknown = toJSON.call(value, '');
    if (json === value) return this.#keys(value, path);
    if (isThenable(json)) return taken(json);
    return this.of(json, path, true);
  }

  #keys(value: object, path: readonly string[]): Described {
    const { first, count } = keysOf(value, this.#bounds.items);
    const described = empty();
    let shown = 0;
    for (const key of first) {
      if (shown === this.#bounds.items || this.#left <= 0) break;
      shown++;
      this.#put(described, key, this.#read(value, key), path);
    }
    if (shown < count) described['…'] = `[${count - shown} more keys]`;
    return described;
  }

  #read(value: object, key: string): unknown {
    try {
      return (value as Record<string, unknown>)[key];
    } catch {
      return THREW;
    }
  }

  #map(value: ReadonlyMap<unknown, unknown>, path: readonly string[]): Described {
    const described = empty();
    let shown = 0;
    for (const [key, item] of value) {
      if (shown === this.#bounds.items || this.#left <= 0) {
        described['…'] = `[${value.size - shown} more entries]`;
        break;
      }
      shown++;
      this.#put(described, typeof key === 'string' ? key : labelOf(key), item, path);
    }
    return described;
  }

  #put(described: Record<string, Described>, key: string, value: unknown, path: readonly string[]): void {
    const label = cut(key, 200);
    this.#left -= label.length;
    const item = this.of(value, [...path, key]);
    if (item !== undefined) described[label] = item;
  }

  #list(items: Iterable<unknown>, length: number, path: readonly string[]): Described {
    const described: Described[] = [];
    for (const item of items) {
      if (described.length === this.#bounds.items || this.#left <= 0) {
        described.push(`[${length - described.length} more items]`);
        break;
      }
      described.push(this.of(item, [...path, String(described.length)]) ?? '[undefined]');
    }
    return described;
  }

  #error(error: Error, path: readonly string[]): Described {
    const [name, message] = [fieldOf(error, 'name'), fieldOf(error, 'message')];
    const told = String(message);
    const described = empty();
    this.#put(described, 'name', cut(String(name), 100), path);
    this.#put(described, 'message', told, path);
    // The message is in the stack as well, which is only made when it is read, and then reads name and message again.
    const isShown = described['message'] === cut(told, this.#bounds.characters);
    if (!isShown || name === PROMISE || message === PROMISE) return described;
    const stack = fieldOf(error, 'stack');
    if (typeof stack === 'string') this.#put(described, 'stack', stack, path);
    return described;
  }

  #text(text: string): string {
    this.#left -= text.length;
    return text;
  }
}

/** What stands for a promise, whose rejection is taken: nothing is awaited here. */
function taken(promise: unknown): string {
  onRejected(promise, () => {});
  return PROMISE;
}

/** What is looked at by name; a promise, which only a getter can have made, is taken. May throw. */
function fieldOf(value: unknown, name: string): unknown {
  const field = (value as Readonly<Record<string, unknown>>)[name];
  return types.isPromise(field) ? taken(field) : field;
}

/** Without a prototype, so that a key `__proto__` is a key like any other. */
function empty(): Record<string, Described> {
  return Object.create(null) as Record<string, Described>;
}

function labelOf(key: unknown): string {
  switch (typeof key) {
    case 'number':
    case 'boolean':
    case 'undefined':
    case 'symbol':
      return String(key);
    case 'bigint':
      return '[bigint]';
    case 'function':
      return nameOf(key);
    default:
      return key === null ? 'null' : '[object]';
  }
}

function nameOf(value: unknown): string {
  let name: unknown;
  try {
    name = fieldOf(value, 'name');
  } catch {
    return UNREADABLE;
  }
  return typeof name === 'string' && name !== '' ? `[function ${cut(name, 100)}]` : '[function]';
}

/** The length of binary data, and the first bytes of it. */
function bytesOf(value: ArrayBufferView | ArrayBufferLike): string {
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, SHOWN_BYTES))
    : Buffer.from(value, 0, Math.min(value.byteLength, SHOWN_BYTES));
  const more = value.byteLength > SHOWN_BYTES ? '…' : '';
  return `[${value.byteLength} bytes: ${bytes.toString('hex')}${more}]`;
}
