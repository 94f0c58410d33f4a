/** Headers of a service's own in an answer to a handshake. */
import { TroupeTypeError } from '../errors.ts';
import { wrongType } from '../arguments.ts';

/** Headers by name; an array is sent as several. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>;

/** One header. */
export type HeaderLine = readonly [name: string, value: string];

/** The token of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No line ends, which would begin another header, and nothing that depends on an encoding. */
const PRINTABLE = /^[\t\x20-\x7e]*$/;
/** What the handshake, the connection and the framing of the answer say themselves. */
const OURS =
  /^(?:connection|upgrade|sec-websocket-.*|content-length|content-type|transfer-encoding|trailer|keep-alive)$/i;

/**
 * The headers one by one.
 *
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` for what cannot be sent; never with a value, which may be secret
 */
export function headerLines(argument: string, headers: unknown): readonly HeaderLine[] {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw wrongType(argument, 'an object with headers by name', headers);
  }
  return Object.entries(headers).flatMap(([name, values]) => {
    if (!TOKEN.test(name)) throw invalid(argument, 'named by tokens of RFC 9110 §5.6.2', 'named otherwise');
    if (OURS.test(name)) throw invalid(argument, 'without the headers of the handshake itself', `with "${name}"`);
    return [values as unknown].flat().map((value): HeaderLine => {
      if (typeof value !== 'string') throw wrongType(`${argument}["${name}"]`, 'a string or an array of them', value);
      if (!PRINTABLE.test(value)) {
        throw invalid(`${argument}["${name}"]`, 'printable ASCII without line ends', 'text with other characters');
      }
      return [name, value];
    });
  });
}

function invalid(argument: string, expected: string, received: string): TroupeTypeError {
  return new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}
