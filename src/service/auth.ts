/** What `authenticate` answers: somebody, for how long, or nobody. */
import { describe, wrongType } from '../arguments.ts';
import { TroupeRangeError } from '../errors.ts';
import { headerLines } from './response-headers.ts';

const REJECTION: unique symbol = Symbol.for('troupe.rejection');
const AUTHENTICATED: unique symbol = Symbol.for('troupe.authenticated');

/** Nobody: made by {@link reject}. */
export interface Rejection {
  readonly [REJECTION]: true;
  readonly status: 401 | 403;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Somebody, until a certain time: made by {@link authenticated}. */
export interface Authenticated<Auth> {
  readonly [AUTHENTICATED]: true;
  readonly auth: Auth;
  /** In ms since 1970; `undefined`: for as long as the connection lasts. */
  readonly expiresAt: number | undefined;
}

/** What `authenticate` and `reauthenticate` may answer; `undefined`, `null` and `false` stand for nobody. */
export type AuthAnswer<Auth> = Auth | Authenticated<Auth> | Rejection | undefined | null | false;

/** The `auth` of a connection, by what `authenticate` returns; undefined without one. */
export type AuthOf<Result> = [Result] extends [undefined] ? undefined : AuthIn<Awaited<Result>>;
type AuthIn<Result> =
  Result extends Authenticated<infer Auth>
    ? Auth
    : Result extends Rejection | undefined | null | false
      ? never
      : Result;

/** How long what `authenticate` found out holds. */
export interface AuthLifetime {
  /** A `Date`, or ms since 1970. Without it, for as long as the connection lasts. */
  readonly expiresAt?: Date | number | undefined;
}

/**
 * Refuses a handshake, as the answer of `authenticate`.
 *
 * `reason` is for the remote side: it stands in the body of the answer, as plain text. A 401 says
 * `WWW-Authenticate: Bearer` unless `headers` says otherwise.
 *
 * @throws {TroupeTypeError | TroupeRangeError} `TROUPE_ARGUMENT_INVALID` for another status, or a header that cannot be sent
 *
 * @example
 * ```ts
 * import { defineService, reject } from 'troupe';
 *
 * export const admin = defineService({
 *   basePath: '/admin',
 *   authenticate({ headers }) {
 *     if (headers.authorization === undefined) return reject(401);
 *     return headers.authorization === 'Bearer sesame' ? { name: 'ali' } : reject(403, 'not for you');
 *   },
 *   onOpen(connection) {
 *     connection.pushText(`hello ${connection.auth.name}`);
 *   },
 * });
 * ```
 *
 * Source: RFC 9110 §15.5.2 and §15.5.4.
 */
export function reject(
  status: 401 | 403,
  reason: string = status === 401 ? 'authentication is required' : 'access is denied',
  { headers = {} }: { readonly headers?: Readonly<Record<string, string>> } = {},
): Rejection {
  if (status !== 401 && status !== 403) {
    const received = typeof status === 'number' ? String(status) : describe(status);
    throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument: 'status', expected: '401 or 403', received });
  }
  if (typeof reason !== 'string') throw wrongType('reason', 'a string', reason);
  const given = Object.fromEntries(headerLines('headers', headers));
  const isChallenged = Object.keys(given).some((name) => name.toLowerCase() === 'www-authenticate');
  return Object.freeze({
    [REJECTION]: true as const,
    status,
    reason,
    headers: status === 401 && !isChallenged ? { ...given, 'WWW-Authenticate': 'Bearer' } : given,
  });
}

/**
 * Says until when an `auth` holds, as the answer of `authenticate` or `reauthenticate`.
 *
 * The service is told `expiryWarningMs` before, `onAuthExpiring`; unless another one is put in place until then, the
 * connection is closed with 3000. The time that is left is measured by the system's clock now; setting that clock later
 * changes nothing. One that has expired already is refused with 401.
 *
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` for what is no time
 *
 * @example
 * ```ts
 * import { authenticated, defineService } from 'troupe';
 *
 * export const guests = defineService({
 *   basePath: '/guests',
 *   authenticate: () => authenticated({ name: 'guest' }, { expiresAt: Date.now() + 3_600_000 }),
 *   onAuthExpiring(connection, { expiresAt }) {
 *     connection.pushText(`good until ${new Date(expiresAt).toISOString()}`);
 *   },
 * });
 * ```
 */
export function authenticated<Auth>(auth: Auth, lifetime: AuthLifetime = {}): Authenticated<Auth> {
  return Object.freeze({ [AUTHENTICATED]: true as const, auth, expiresAt: expiryOf(lifetime) });
}

/** @internal The end of a lifetime in ms since 1970. */
export function expiryOf({ expiresAt }: AuthLifetime): number | undefined {
  if (expiresAt === undefined) return undefined;
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof time !== 'number' || !Number.isFinite(time)) {
    throw wrongType('expiresAt', 'a valid Date, or ms since 1970', expiresAt);
  }
  return time;
}

/**
 * @internal Told by a registered symbol: a program may have two copies of this package, and one must not let in whom
 * the other rejects.
 */
export function isRejection(answer: unknown): answer is Rejection {
  return typeof answer === 'object' && answer !== null && REJECTION in answer;
}

/** @internal */
export function isAuthenticated(answer: unknown): answer is Authenticated<unknown> {
  return typeof answer === 'object' && answer !== null && AUTHENTICATED in answer;
}

/** @internal What stands for nobody: what look-ups answer that found nothing. */
export function isNobody(answer: unknown): answer is undefined | null | false {
  return answer === undefined || answer === null || answer === false;
}
