/**
 * Values as JSON and back: what a recording holds of events, contexts and arguments.
 *
 * JSON has no word for much of what programs hold: such a value becomes an object with the key `$type`. What cannot be
 * made again (a function, an instance of a class, what was cut) is marked as well, and counts as a gap. Pure, and never
 * throws, whatever it is given: what a program holds may fail when it is looked at.
 */
import { errorCodes, TroupeError, type ErrorCode } from '../errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Why something recorded is not all that there was. */
export type Loss = 'cut' | 'opaque';

export interface EncodeOptions {
  /** How many characters may be recorded of one value, about. */
  readonly maxLength: number;
  /** What takes the place of a text, of a key as well. */
  text?(text: string): string;
  /** What takes the place of an object; undefined: it is encoded as it is. */
  object?(value: object): Json | undefined;
  /** Is told of what is not recorded. */
  lost?(loss: Loss): void;
}

const TAG = '$type';
const MAX_DEPTH = 64;
/** How much is kept of a text that is cut. */
const BEGINNING = 64;

/** The errors of the language, which are made again as what they were. */
const errorClasses: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

export function encode(value: unknown, options: EncodeOptions): Json {
  return new Encoder(options).encode(value, 0);
}

class Encoder {
  readonly #options: EncodeOptions;
  readonly #above: object[] = [];
  #left: number;

  constructor(options: EncodeOptions) {
    this.#options = options;
    this.#left = options.maxLength;
  }

  encode(value: unknown, depth: number): Json {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'boolean':
        this.#left -= 5;
        return value;
      case 'number':
        this.#left -= 8;
        return Number.isFinite(value) ? value : { [TAG]: 'number', value: String(value) };
      case 'undefined':
        return { [TAG]: 'undefined' };
      case 'bigint':
        return { [TAG]: 'bigint', value: String(value) };
      case 'object':
        if (value === null) return null;
        break;
      default:
        return this.#lose('opaque', { [TAG]: 'opaque', class: typeof value });
    }
    if (depth > MAX_DEPTH || this.#left <= 0) return this.#lose('cut', { [TAG]: 'cut' });
    if (this.#above.includes(value)) return this.#lose('opaque', { [TAG]: 'opaque', class: 'cycle' });
    this.#above.push(value);
    try {
      return this.#options.object?.(value) ?? this.#object(value, depth + 1);
    } catch {
      return this.#lose('opaque', { [TAG]: 'opaque', class: 'unreadable' });
    } finally {
      this.#above.pop();
    }
  }

  #text(value: string): Json {
    const text = this.#options.text?.(value) ?? value;
    if (text.length > this.#left) {
      this.#left = 0;
      return this.#lose('cut', { [TAG]: 'cut', length: text.length, begins: text.slice(0, BEGINNING) });
    }
    this.#left -= text.length + 2;
    return text;
  }

  #object(value: object, depth: number): Json {
    if (Array.isArray(value)) return this.#list(value, depth);
    if (ArrayBuffer.isView(value)) return this.#bytes(value);
    if (value instanceof Date) return { [TAG]: 'Date', value: value.getTime() };
    if (value instanceof Map) {
      const entries = [...(value as Map<unknown, unknown>)].map((entry) => this.#list(entry, depth));
      return { [TAG]: 'Map', entries };
    }
    if (value instanceof Set) return { [TAG]: 'Set', values: this.#list([...(value as Set<unknown>)], depth) };
    if (value instanceof Error) return this.#error(value, depth);
    const fields = this.#fields(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return Object.hasOwn(fields, TAG) ? { [TAG]: 'object', entries: Object.entries(fields) } : fields;
    }
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return this.#lose('opaque', { [TAG]: 'opaque', class: typeof name === 'string' ? name : '', fields });
  }

  #list(values: readonly unknown[], depth: number): Json[] {
    const list: Json[] = [];
    for (const value of values) {
      if (this.#left <= 0) {
        list.push(this.#lose('cut', { [TAG]: 'cut', length: values.length }));
        break;
      }
      this.#left--;
      list.push(this.encode(value, depth));
    }
    return list;
  }

  #fields(value: object, depth: number): Record<string, Json> {
    const fields: Record<string, Json> = {};
    for (const [key, field] of Object.entries(value) as [string, unknown][]) {
      if (this.#left <= 0) {
        this.#lose('cut', null);
        break;
      }
      this.#left -= key.length + 4;
      put(fields, this.#options.text?.(key) ?? key, this.encode(field, depth));
    }
    return fields;
  }

  #bytes(view: ArrayBufferView): Json {
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    if (!(view instanceof Uint8Array)) {
      return this.#lose('opaque', { [TAG]: 'opaque', class: 'ArrayBufferView', length: view.byteLength });
    }
    if (bytes.length * 1.34 > this.#left) {
      this.#left = 0;
      return this.#lose('cut', { [TAG]: 'cut', length: bytes.length });
    }
    this.#left -= bytes.length * 1.34;
    return { [TAG]: 'bytes', base64: bytes.toString('base64') };
  }

  #error(error: Error, depth: number): Json {
    const { name, message, code, fields } = error as { readonly [Field in keyof TroupeError]?: unknown };
    return {
      [TAG]: 'Error',
      name: this.#text(String(name)),
      message: this.#text(String(message)),
      ...(typeof code === 'string' && { code }),
      ...(isTroupeCode(code) && { fields: this.encode(fields, depth) }),
    };
  }

  #lose(loss: Loss, json: Json): Json {
    this.#options.lost?.(loss);
    return json;
  }
}

/** The value that `json` was made of; what was lost is made as far as there is something left of it. */
export function decode(json: Json | undefined): unknown {
  if (json === undefined || json === null || typeof json !== 'object') return json;
  if (isList(json)) return json.map(decode);
  const type = Object.hasOwn(json, TAG) ? json[TAG] : undefined;
  switch (type) {
    case undefined:
      return decodeFields(json);
    case 'undefined':
      return undefined;
    case 'number':
      return Number(json['value']);
    case 'bigint':
      return toBigInt(json['value']);
    case 'Date':
      return new Date(Number(json['value']));
    case 'bytes':
      return Uint8Array.from(Buffer.from(textIn(json['base64']), 'base64'));
    case 'Map':
      return new Map(listIn(json['entries']).map((entry) => decode(entry) as [unknown, unknown]));
    case 'Set':
      return new Set(listIn(json['values']).map(decode));
    case 'object':
      return decodeFields(Object.fromEntries(listIn(json['entries']) as [string, Json][]));
    case 'Error':
      return decodeError(json);
    case 'opaque':
      return json['fields'] === undefined ? undefined : decode(json['fields']);
    case 'cut':
      return json['begins'] ?? undefined;
    default:
      return decodeFields(json);
  }
}

function decodeFields(json: { readonly [key: string]: Json }): object {
  const fields = {};
  for (const [key, value] of Object.entries(json)) put(fields, key, decode(value));
  return fields;
}

function decodeError(json: { readonly [key: string]: Json }): Error {
  const { code } = json;
  const name = textIn(json['name']);
  if (isTroupeCode(code) && name === 'TroupeError') {
    return new TroupeError(...([code, decode(json['fields'])] as unknown as ConstructorParameters<typeof TroupeError>));
  }
  const Class = Object.hasOwn(errorClasses, name) ? errorClasses[name]! : Error;
  const error = new Class(textIn(json['message']));
  if (error.name !== name) error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

/** Also a key such as `__proto__` is data. */
function put(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function isTroupeCode(code: unknown): code is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(code);
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function listIn(json: Json | undefined): readonly Json[] {
  return json !== undefined && isList(json) ? json : [];
}

function textIn(json: Json | undefined): string {
  return typeof json === 'string' ? json : '';
}

function toBigInt(json: Json | undefined): unknown {
  try {
    return BigInt(textIn(json));
  } catch {
    return undefined;
  }
}
