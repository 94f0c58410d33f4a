/** What may be chosen about the inspector. */
import { randomBytes } from 'node:crypto';
import { checkCount, checkOptions, wrongType } from '../arguments.ts';
import { TroupeTypeError } from '../errors.ts';
import type { AdmissionPolicy } from './admission.ts';
import type { Redact } from './describe.ts';
import type { Redaction } from './redaction.ts';

/** How a Troupe can be looked at; see `docs/inspector.md`. */
export interface InspectorOptions {
  /** Where it is served. No service may lie beneath it. @defaultValue '/__inspector' */
  readonly path?: string;
  /** What is to be shown by whoever wants to look: at least 16 characters. @defaultValue a random one */
  readonly token?: string;
  /**
   * Whether requests from this machine need no token. MUST NOT be set behind a proxy on the same machine, all of whose
   * requests come from this machine, nor where other users of the machine are not to look. @defaultValue false
   */
  readonly loopback?: boolean;
  /** Origins whose pages may connect, beside those of the server itself. @defaultValue [] */
  readonly allowedOrigins?: readonly string[];
  /**
   * Payloads of messages, the data of machines and what was thrown are only shown by their size or class. `false` shows
   * them. A function is given each value with the path that leads to it (`['event', 'text']`,
   * `['context', 'user', 'name']`, `['error', 'message']`) and returns what is to be shown instead, at once; nothing else
   * is redacted then. It is called often.
   */
  readonly redact?: false | ((path: readonly string[], value: unknown) => unknown);
  /** Whether viewers may close connections and send them text. @defaultValue false */
  readonly allowActions?: boolean;
  /** How many events a viewer is told of in a second; those beyond are counted. @defaultValue 2000 */
  readonly maxEventsPerSecond?: number;
}

export interface InspectorSettings {
  readonly admission: AdmissionPolicy;
  readonly redaction: Redaction;
  readonly allowActions: boolean;
  readonly maxEventsPerSecond: number;
}

const NAMES: readonly (keyof InspectorOptions)[] = [
  'path',
  'token',
  'loopback',
  'allowedOrigins',
  'redact',
  'allowActions',
  'maxEventsPerSecond',
];
const PATH = /^(?:\/[\w.~-]+)+$/;
const TOKEN = /^[\x21-\x7e]{16,256}$/;

/**
 * Checks the option `inspector` and adds the defaults; `undefined` when there is to be none.
 *
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID`
 */
export function resolveInspector(option: boolean | InspectorOptions | undefined): InspectorSettings | undefined {
  if (option === undefined || option === false) return undefined;
  const options = option === true ? {} : option;
  checkOptions('inspector', options, NAMES);
  const { path = '/__inspector', loopback = false, allowActions = false, maxEventsPerSecond = 2000 } = options;
  checkMatches('inspector.path', path, PATH, 'a path such as "/__inspector", without a slash at its end');
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path))
    throw invalid('inspector.path', 'a path without "." and ".."', 'one with them');
  const token = options.token ?? randomBytes(24).toString('base64url');
  checkMatches('inspector.token', token, TOKEN, '16 to 256 visible ASCII characters');
  checkBoolean('inspector.loopback', loopback);
  checkBoolean('inspector.allowActions', allowActions);
  checkCount('inspector.maxEventsPerSecond', maxEventsPerSecond, 1, 100_000);
  const { allowedOrigins = [] } = options;
  if (!Array.isArray(allowedOrigins) || !allowedOrigins.every((origin) => typeof origin === 'string')) {
    throw wrongType('inspector.allowedOrigins', 'an array of origins such as "https://app.example"', allowedOrigins);
  }
  return {
    admission: { path, token, loopback, allowedOrigins },
    redaction: redactionOf(options.redact),
    allowActions,
    maxEventsPerSecond,
  };
}

function redactionOf(redact: InspectorOptions['redact']): Redaction {
  if (redact === undefined) return 'all';
  if (redact === false) return 'none';
  if (typeof redact !== 'function') throw wrongType('inspector.redact', 'false or a function', redact);
  return redact as Redact;
}

function checkBoolean(argument: string, value: boolean): void {
  if (typeof value !== 'boolean') throw wrongType(argument, 'a boolean', value);
}

/** The value itself is left out of the message: it may be a token. */
function checkMatches(argument: string, value: string, pattern: RegExp, expected: string): void {
  if (typeof value !== 'string') throw wrongType(argument, expected, value);
  if (!pattern.test(value)) throw invalid(argument, expected, 'something else');
}

function invalid(argument: string, expected: string, received: string): TroupeTypeError {
  return new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}
