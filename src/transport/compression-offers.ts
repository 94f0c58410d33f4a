/**
 * Which of the offers of compression in a handshake is accepted.
 *
 * A client may offer `permessage-deflate` several times, the one it likes best
 * first. An offer with a parameter that is unknown, has no right value or comes
 * twice is declined and the next one counts; with none left, the connection is
 * not compressed. A header that is no list of extensions is left to `ws`, which
 * refuses the handshake.
 *
 * Source: RFC 6455 §9.1, RFC 7692 §5 and §7.1.
 */

/** What is accepted. */
export interface Offer {
  /** The header with this offer alone; undefined when none is accepted. */
  readonly header: string | undefined;
  /** The window that the client has for what it receives, as a power of two; undefined without compression. */
  readonly windowBits: number | undefined;
}

const NAME = 'permessage-deflate';
const LARGEST_WINDOW_BITS = 15;

/** The first offer that can be accepted; undefined when there is no header, or one that cannot be read. */
export function acceptableOffer(header: string | undefined): Offer | undefined {
  const extensions = header === undefined ? undefined : parse(header);
  if (extensions === undefined) return undefined;
  const accepted = extensions.find(({ name, parameters }) => name === NAME && isAcceptable(parameters));
  if (accepted === undefined) return { header: undefined, windowBits: undefined };
  const written = accepted.parameters.map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
  const window = accepted.parameters.find(([name]) => name === 'server_max_window_bits')?.[1];
  return {
    header: [NAME, ...written].join('; '),
    windowBits: window === undefined ? LARGEST_WINDOW_BITS : Number(window),
  };
}

type Parameter = readonly [name: string, value: string | undefined];

interface Extension {
  readonly name: string;
  readonly parameters: Parameter[];
}

const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** RFC 7692 §7.1.1 and §7.1.2. */
const valueOf: Readonly<Record<string, (value: string | undefined) => boolean>> = {
  server_no_context_takeover: (value) => value === undefined,
  client_no_context_takeover: (value) => value === undefined,
  server_max_window_bits: (value) => value !== undefined && WINDOW_BITS.test(value),
  client_max_window_bits: (value) => value === undefined || WINDOW_BITS.test(value),
};

function isAcceptable(parameters: readonly Parameter[]): boolean {
  const names = new Set(parameters.map(([name]) => name));
  if (names.size < parameters.length) return false;
  return parameters.every(([name, value]) => Object.hasOwn(valueOf, name) && valueOf[name]?.(value) === true);
}

/** A token, what may follow it in a parameter, and how an element ends. A value in quotes must be a token as well. */
const ELEMENT =
  /[ \t]*([!#$%&'*+\-.^_`|~\w]+)(?:=(?:([!#$%&'*+\-.^_`|~\w]+)|"([!#$%&'*+\-.^_`|~\w]+)"))?[ \t]*([;,]|$)/y;

/** The extensions in a header; undefined when it is no list of them. */
function parse(header: string): Extension[] | undefined {
  const extensions: Extension[] = [];
  let current: Extension | undefined;
  ELEMENT.lastIndex = 0;
  for (;;) {
    const [, name, value, quoted, end] = ELEMENT.exec(header) ?? [];
    if (name === undefined) return undefined;
    if (current !== undefined) {
      current.parameters.push([name, value ?? quoted]);
    } else if (value === undefined && quoted === undefined) {
      current = { name, parameters: [] };
      extensions.push(current);
    } else {
      return undefined;
    }
    if (end === '') return extensions;
    if (end === ',') current = undefined;
  }
}
