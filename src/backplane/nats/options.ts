/** What `nats()` takes, checked at the call: a misspelt option would otherwise do nothing, in silence. */
import type { Authenticator } from '@nats-io/transport-node';
import { TroupeRangeError, TroupeTypeError } from '../../errors.ts';
import { parseServer, type Server } from './servers.ts';

export interface NatsOptions {
  /**
   * Where servers of one NATS are, `'nats://host:4222'` or `'host:4222'`; `tls://` demands TLS. They are tried in any order.
   * @defaultValue 'nats://127.0.0.1:4222'
   */
  readonly servers?: string | readonly string[];
  /** Together with `pass`. */
  readonly user?: string;
  readonly pass?: string;
  /** Instead of `user` and `pass`. */
  readonly token?: string;
  /** For NKeys and JWT: what `nkeyAuthenticator`, `jwtAuthenticator` or `credsAuthenticator` of the NATS client made. */
  readonly authenticator?: Authenticator;
  /** Demands TLS; `true` with what Node.js trusts. As PEM text. @defaultValue TLS if the server asks for it */
  readonly tls?: true | NatsTls;
  /** What all subjects and buckets begin with, so that several programs can share a NATS. @defaultValue 'troupe' */
  readonly prefix?: string;
  /**
   * How many servers of a cluster keep the directory of names, 1 to 5. More than one needs servers of 2.11 or later; 3 let
   * it live on without one of them. It says so for buckets that do not exist yet.
   * @defaultValue 1
   */
  readonly replicas?: number;
}

export interface NatsTls {
  /** The authorities that are trusted. */
  readonly ca?: string;
  /** The certificate of this program, and its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** The options as the rest of the folder knows them. */
export interface Settings {
  readonly servers: readonly Server[];
  readonly credentials: Pick<NatsOptions, 'user' | 'pass' | 'token' | 'authenticator'>;
  readonly tls: NatsTls | undefined;
  readonly prefix: string;
  readonly replicas: number;
}

const KNOWN = ['servers', 'user', 'pass', 'token', 'authenticator', 'tls', 'prefix', 'replicas'];
const KNOWN_OF_TLS = ['ca', 'cert', 'key'];
const PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

export function checked(options: NatsOptions): Settings {
  checkKnown('options', options, KNOWN);
  const { servers = 'nats://127.0.0.1:4222', tls, prefix = 'troupe', replicas = 1 } = options;
  checkCredentials(options);
  if (typeof prefix !== 'string') throw wrong('options.prefix', PREFIX_EXPECTED, prefix);
  if (!PREFIX.test(prefix)) throw outOfRange('options.prefix', PREFIX_EXPECTED, `"${prefix}"`);
  if (typeof replicas !== 'number') throw wrong('options.replicas', REPLICAS_EXPECTED, replicas);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5) {
    throw outOfRange('options.replicas', REPLICAS_EXPECTED, String(replicas));
  }
  const { user, pass, token, authenticator } = options;
  return {
    servers: checkedServers(servers),
    credentials: {
      ...(user !== undefined && { user }),
      ...(pass !== undefined && { pass }),
      ...(token !== undefined && { token }),
      ...(authenticator !== undefined && { authenticator }),
    },
    tls: checkedTls(tls),
    prefix,
    replicas,
  };
}

const PREFIX_EXPECTED = 'a string of 1 to 32 letters, digits, "_" and "-"';
const REPLICAS_EXPECTED = 'a whole number from 1 to 5';

function checkedServers(servers: string | readonly string[]): readonly Server[] {
  const expected = 'the address of a server, "nats://host:4222" for example, or a list of them';
  const list: readonly unknown[] = Array.isArray(servers) ? servers : [servers];
  if (list.length === 0) throw outOfRange('options.servers', expected, 'an empty list');
  return list.map((one) => {
    if (typeof one !== 'string') throw wrong('options.servers', expected, one);
    const server = parseServer(one);
    // Its text is not told: people put passwords into addresses.
    if (server === undefined) throw outOfRange('options.servers', `${expected}, without user and password`, 'none');
    return server;
  });
}

function checkCredentials({ user, pass, token, authenticator }: NatsOptions): void {
  for (const [name, value] of Object.entries({ user, pass, token })) {
    if (value !== undefined && typeof value !== 'string') throw wrong(`options.${name}`, 'a string', value);
  }
  if (authenticator !== undefined && typeof authenticator !== 'function') {
    throw wrong('options.authenticator', 'an authenticator of the NATS client', authenticator);
  }
  if (pass !== undefined && user === undefined) throw wrong('options.user', 'given together with options.pass', user);
  const ways = [user, token, authenticator].filter((way) => way !== undefined).length;
  if (ways > 1)
    throw outOfRange('options', 'one with user and pass, token or authenticator', 'one with several of them');
}

function checkedTls(tls: NatsOptions['tls']): NatsTls | undefined {
  if (tls === undefined) return undefined;
  if (tls === true) return {};
  checkKnown('options.tls', tls, KNOWN_OF_TLS);
  for (const [name, value] of Object.entries(tls)) {
    if (value !== undefined && typeof value !== 'string') throw wrong(`options.tls.${name}`, 'PEM text', value);
  }
  return tls;
}

function checkKnown(argument: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong(argument, `an object with any of: ${known.join(', ')}`, options);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw outOfRange(`${argument}.${name}`, `one of ${known.join(', ')}`, 'unknown');
    }
  }
}

/** Says what kind of value it is, never its contents, which may be secret. */
function wrong(argument: string, expected: string, value: unknown): TroupeTypeError {
  const received = value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
  return new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}

function outOfRange(argument: string, expected: string, received: string): TroupeRangeError {
  return new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}
