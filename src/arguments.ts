/** Checks of what a program passes: a wrong type is a programming error and is thrown at the call. */
import { isSendableCloseCode, MAX_CLOSE_REASON_BYTES } from './close-codes.ts';
import { TroupeRangeError, TroupeTypeError } from './errors.ts';

const MAX_NAME_BYTES = 512;

export function checkText(text: string): void {
  if (typeof text !== 'string') throw wrongType('text', 'a string', text);
}

export function checkData(data: Uint8Array): void {
  if (!(data instanceof Uint8Array)) throw wrongType('data', 'a Uint8Array', data);
}

/** A name of a connection, a group or a service, or the key of a push. */
export function checkName(argument: 'name' | 'group' | 'service' | 'key', name: string): void {
  const expected = `a string of 1 to ${MAX_NAME_BYTES} UTF-8 bytes`;
  if (typeof name !== 'string') throw wrongType(argument, expected, name);
  // At most three bytes a UTF-16 unit, so a short name need not be measured.
  if (name.length === 0 || (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    throw new TroupeTypeError('TROUPE_ARGUMENT_INVALID', {
      argument,
      expected,
      received: name.length === 0 ? 'empty' : `${Buffer.byteLength(name)} bytes long`,
    });
  }
}

export function checkClose(code: number, reason: string): void {
  if (typeof code !== 'number') throw wrongType('code', 'a number', code);
  if (typeof reason !== 'string') throw wrongType('reason', 'a string', reason);
  if (!isSendableCloseCode(code)) throw new TroupeRangeError('TROUPE_CLOSE_CODE_INVALID', { closeCode: code });
  const bytes = Buffer.byteLength(reason);
  if (bytes > MAX_CLOSE_REASON_BYTES) {
    throw new TroupeRangeError('TROUPE_CLOSE_REASON_TOO_LONG', { bytes, maxBytes: MAX_CLOSE_REASON_BYTES });
  }
}

/** The longest delay that Node's timers can wait, in ms: almost 25 days. */
export const MAX_DELAY_MS = 2_147_483_647;

export function checkCount(argument: string, value: number, smallest: number, largest: number): void {
  if (typeof value !== 'number') throw wrongType(argument, 'a number', value);
  if (Number.isSafeInteger(value) && value >= smallest && value <= largest) return;
  const expected = `a whole number from ${smallest} to ${largest}`;
  throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received: String(value) });
}

/** An object of options: a misspelt one would otherwise do nothing, in silence. */
export function checkOptions(argument: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrongType(argument, `an object with any of: ${known.join(', ')}`, options);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const expected = `one of ${known.join(', ')}`;
    throw new TroupeTypeError('TROUPE_ARGUMENT_INVALID', {
      argument: `${argument}.${name}`,
      expected,
      received: 'unknown',
    });
  }
}

export function wrongType(argument: string, expected: string, value: unknown): TroupeTypeError {
  return new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received: describe(value) });
}

/** A short description of a value for a message; never its contents, which may be secret. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function "${value.name}"`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `an instance of ${name}` : 'an object';
}
