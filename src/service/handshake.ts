/** What a service says about a handshake before it is answered: who may come in, as whom, and with what answer. */
import type { IncomingHttpHeaders } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { wrongType } from '../arguments.ts';
import type { AuthAnswer, AuthOf } from './auth.ts';
import type { Connection } from './connection.ts';
import { headerLines, type HeaderLine, type ResponseHeaders } from './response-headers.ts';

/**
 * A handshake that waits for its answer. All that is in it is what a stranger sent, but `remoteAddress`, `isSecure`
 * and `clientCertificate`.
 */
export interface HandshakeRequest<Params = Readonly<Record<string, string>>, Query = URLSearchParams> {
  /** The headers of the request, by their names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The path and query, as received. */
  readonly url: string;
  /** The path without the query. */
  readonly path: string;
  /** The `{parameters}` of the path; what the schema `params` made of them, if the service has one. */
  readonly params: Params;
  /** The query; what the schema `query` made of it, if the service has one. */
  readonly query: Query;
  /** The address of the other end of the TCP connection; behind a proxy of `trustProxy`, of the client. '' for none. */
  readonly remoteAddress: string;
  /** Whether the TCP connection is encrypted up to this process. */
  readonly isSecure: boolean;
  /**
   * The certificate of the remote side, with mutual TLS: signed by one of the authorities in the server's `ca`, and
   * valid when the TLS session began. Undefined for everybody else, also for one that showed another certificate and
   * was let in with `rejectUnauthorized: false`. A server asks for certificates with `requestCert` of `node:tls`; where
   * a proxy ends TLS there are none. A resumed session has that of its beginning, and no list of revoked certificates
   * is looked at unless the server has a `crl`.
   *
   * @example
   * ```ts
   * import { authenticated, defineService } from 'troupe';
   *
   * export const machines = defineService({
   *   basePath: '/machines',
   *   authenticate({ clientCertificate }) {
   *     if (clientCertificate === undefined) return undefined;
   *     const { subject, valid_to } = clientCertificate;
   *     return authenticated({ machine: subject.CN }, { expiresAt: new Date(valid_to) });
   *   },
   * });
   * ```
   * @see https://nodejs.org/api/tls.html#certificate-object
   */
  readonly clientCertificate: PeerCertificate | undefined;
  /** The origin of the page, as the browser says it; programs send none, or what they like. */
  readonly origin: string | undefined;
  /** The subprotocols that are offered, in the order of the remote side. */
  readonly subprotocols: readonly string[];
  /** Is aborted when the remote side goes away, `handshakeTimeoutMs` is over, or the service stops. */
  readonly signal: AbortSignal;
}

/** A value that is there, or will be. */
export type Awaitable<Value> = Value | PromiseLike<Value>;

/** What a schema makes of its input; without one, `Otherwise`. */
export type OutputOf<Schema, Otherwise> = Schema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Schema>
  : Otherwise;

/**
 * What a service may ask of a handshake before it is answered with 101.
 *
 * Without any of these an upgrade is answered at once. With one of them the handshake waits, for at most
 * `handshakeTimeoutMs` and with at most `maxWaitingHandshakes` others; what the remote side sends meanwhile is kept,
 * and whether the service still accepts connections is looked at once more before the 101.
 *
 * In an object literal, write `authenticate` before the handlers: TypeScript infers from top to bottom, and only then
 * knows `connection.auth` in them.
 */
export interface HandshakeOptions<
  PathParams = Readonly<Record<string, string>>,
  ParamsSchema extends StandardSchemaV1 | undefined = undefined,
  QuerySchema extends StandardSchemaV1 | undefined = undefined,
  Result = unknown,
> {
  /**
   * A Standard Schema (zod, valibot, arktype, ...) for the parameters of the path, which are strings. What it makes of
   * them is `connection.params`. Others are refused with 400 before anything else is asked.
   */
  readonly params?: ParamsSchema;
  /**
   * A Standard Schema for the query: a string for each name, an array of them for a name that stands there more than
   * once. What it makes of that is `connection.query`. Others are refused with 400.
   */
  readonly query?: QuerySchema;
  /**
   * Says who this is; what it returns is `connection.auth`. `reject(401 | 403)` refuses, and so do `undefined`, `null`
   * and `false`, with 401: a look-up that found nobody lets nobody in. If it throws, the answer is 500 without a word
   * of the error, which `callback.failed` reports.
   */
  authenticate?(
    request: HandshakeRequest<OutputOf<ParamsSchema, PathParams>, OutputOf<QuerySchema, URLSearchParams>>,
  ): Result;
  /**
   * Is asked when `connection.auth` is about to expire, beside whatever is being handled. What it returns is put in its
   * place. After `reject()` the connection is closed with 3000; when it answers nobody, knows no later end or throws,
   * `onAuthExpiring` is called.
   */
  reauthenticate?(
    connection: Connection<OutputOf<ParamsSchema, PathParams>, AuthOf<Result>, OutputOf<QuerySchema, URLSearchParams>>,
  ): Awaitable<AuthAnswer<NoInfer<AuthOf<Result>>>>;
  /**
   * Chooses one of the subprotocols that are offered (those of them that `subprotocols` lists, if it is there), or
   * none with `undefined`. Is not asked when there is none to choose from.
   */
  selectSubprotocol?(
    offered: readonly string[],
    request: HandshakeRequest<OutputOf<ParamsSchema, PathParams>, OutputOf<QuerySchema, URLSearchParams>>,
  ): string | undefined;
  /**
   * Headers for the answer 101, or a function that makes them; in printable ASCII, and none that belongs to the
   * handshake. An array is sent as several headers, `Set-Cookie` for example.
   */
  readonly responseHeaders?:
    | ResponseHeaders
    | ((
        request: HandshakeRequest<OutputOf<ParamsSchema, PathParams>, OutputOf<QuerySchema, URLSearchParams>>,
        auth: NoInfer<AuthOf<Result>>,
      ) => ResponseHeaders);
}

/** The options as the runtime knows them, whatever a service's types are. */
export interface HandshakeRules {
  readonly params?: StandardSchemaV1;
  readonly query?: StandardSchemaV1;
  readonly authenticate?: (request: HandshakeRequest<unknown, unknown>) => unknown;
  readonly reauthenticate?: (connection: Connection) => unknown;
  readonly selectSubprotocol?: (offered: readonly string[], request: HandshakeRequest<unknown, unknown>) => unknown;
  readonly responseHeaders?:
    | readonly HeaderLine[]
    | ((request: HandshakeRequest<unknown, unknown>, auth: unknown) => unknown);
}

export const handshakeKeys = [
  'params',
  'query',
  'authenticate',
  'reauthenticate',
  'selectSubprotocol',
  'responseHeaders',
] as const;

/** What is given as {@link HandshakeOptions}, before it is checked. */
export type AnyHandshakeOptions = { readonly [Key in (typeof handshakeKeys)[number]]?: unknown };

/**
 * @internal The options that are there; undefined when none is.
 * @throws {TroupeTypeError} for what is none
 */
export function handshakeRules(options: AnyHandshakeOptions): HandshakeRules | undefined {
  const rules: Record<string, unknown> = {};
  for (const name of handshakeKeys) {
    const option = options[name];
    if (option === undefined) continue;
    if (name === 'params' || name === 'query') {
      if (!isSchema(option)) throw wrongType(name, 'a Standard Schema', option);
      rules[name] = option;
    } else if (typeof option === 'function') {
      // As handlers are, they are methods of the object that they stand in.
      rules[name] = option.bind(options);
    } else if (name === 'responseHeaders') {
      rules[name] = headerLines(name, option);
    } else {
      throw wrongType(name, 'a function', option);
    }
  }
  if (rules['reauthenticate'] !== undefined && rules['authenticate'] === undefined) {
    throw wrongType('authenticate', 'a function, as there is a reauthenticate', undefined);
  }
  return Object.keys(rules).length === 0 ? undefined : rules;
}

/** Some libraries' schemas are functions. */
function isSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value)) {
    return false;
  }
  const standard = value['~standard'] as Partial<StandardSchemaV1.Props> | undefined;
  return typeof standard?.validate === 'function';
}
