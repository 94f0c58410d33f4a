/** The options of `redis()`, checked at the call: what they mean for its links. */
import type { ConnectionOptions } from 'node:tls';
import { checkCount, checkOptions, wrongType } from '../../arguments.ts';
import { TroupeTypeError } from '../../errors.ts';
import type { Access, Address } from './client.ts';
import type { Server } from './connections.ts';

export interface RedisOptions {
  /**
   * `redis://host:port/database`, with `rediss:` for TLS, and `user:password@` before the host. Either this or
   * `sentinels`.
   */
  url?: string;
  /** Sentinels, which are asked where the primary is whenever a link is made. Either this or `url`. */
  sentinels?: RedisSentinels;
  /** TLS with these options of `node:tls`, or with `true` for its defaults. Default: as `url` says. */
  tls?: boolean | ConnectionOptions;
  /** A user of Redis's access control lists. Default: that of `url`, or none. */
  username?: string;
  /** Default: that of `url`, or none. */
  password?: string;
  /** Default: that of `url`, or 0. Channels are the same in all databases of a server: programs differ by `prefix`. */
  database?: number;
  /** What all keys and channels begin with: one for each program on a server. Default: `troupe`. */
  prefix?: string;
  /**
   * After how many ms without a beat, of which there is one every 2 s, a node counts as dead. From 4000 to 8000; default:
   * 6000.
   */
  leaseMs?: number;
  /** How long one attempt to make a link may take, in ms: from 500 to 9000; default: 5000. */
  connectTimeoutMs?: number;
}

export interface RedisSentinels {
  /** What the primary is called there, `mymaster` for example. */
  name: string;
  /** In the order in which they are asked. Default of `port`: 26379. */
  nodes: readonly { host: string; port?: number }[];
  /** As in {@link RedisOptions}, for the Sentinels themselves. */
  tls?: boolean | ConnectionOptions;
  username?: string;
  password?: string;
}

export interface Settings {
  readonly server: Server;
  readonly prefix: string;
  readonly leaseMs: number;
  readonly connectTimeoutMs: number;
}

const KNOWN = ['url', 'sentinels', 'tls', 'username', 'password', 'database', 'prefix', 'leaseMs', 'connectTimeoutMs'];
const MAX_PREFIX_BYTES = 128;

/** @throws {TroupeTypeError | TroupeRangeError} TROUPE_ARGUMENT_INVALID */
export function settingsOf(options: RedisOptions): Settings {
  checkOptions('options', options, KNOWN);
  const { url, sentinels, prefix = 'troupe', leaseMs = 6000, connectTimeoutMs = 5000 } = options;
  if ((url === undefined) === (sentinels === undefined)) {
    throw invalid('options', 'an object with either url or sentinels', url === undefined ? 'without' : 'with both');
  }
  if (typeof prefix !== 'string') throw wrongType('options.prefix', 'a string', prefix);
  const bytes = Buffer.byteLength(prefix);
  if (bytes === 0 || bytes > MAX_PREFIX_BYTES) {
    throw invalid('options.prefix', `a string of 1 to ${MAX_PREFIX_BYTES} UTF-8 bytes`, `${bytes} bytes long`);
  }
  // A beat of every 2 s has 1.5 s: with less, a node that is well would be dead in between.
  checkCount('options.leaseMs', leaseMs, 4000, 8000);
  checkCount('options.connectTimeoutMs', connectTimeoutMs, 500, 9000);
  const server = url === undefined ? sentinelServer(options) : urlServer(url, options);
  return { server, prefix, leaseMs, connectTimeoutMs };
}

function urlServer(text: unknown, options: RedisOptions): Server {
  const expected = 'a URL such as "redis://127.0.0.1:6379"';
  if (typeof text !== 'string') throw wrongType('options.url', expected, text);
  // What it received is not repeated: a URL may hold a password.
  if (!URL.canParse(text)) throw invalid('options.url', expected, 'not a URL');
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw invalid('options.url', expected, `one with ${protocol}`);
  if (hostname === '') throw invalid('options.url', expected, 'one without a host');
  if (!/^(\/\d*)?$/.test(pathname)) throw invalid('options.url', `${expected}/0`, 'one whose path is no number');
  const at = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 6379 : Number(port) };
  const inUrl = {
    username: decoded(username),
    password: decoded(password),
    database: Number(pathname.slice(1)),
    tls: protocol === 'rediss:' ? {} : undefined,
  };
  return { at, access: accessOf('options', options, inUrl) };
}

function sentinelServer(options: RedisOptions): Server {
  const sentinels = options.sentinels as RedisSentinels;
  checkOptions('options.sentinels', sentinels, ['name', 'nodes', 'tls', 'username', 'password']);
  const { name, nodes } = sentinels;
  if (typeof name !== 'string' || name === '') {
    throw wrongType('options.sentinels.name', 'what the primary is called, such as "mymaster"', name);
  }
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw wrongType('options.sentinels.nodes', 'an array of at least one { host, port }', nodes);
  }
  const none = { username: undefined, password: undefined, database: 0, tls: undefined };
  const access = accessOf('options.sentinels', sentinels, none);
  return {
    at: { name, nodes: nodes.map((node: { host: string; port?: number }, index) => sentinelAt(node, index)), access },
    access: accessOf('options', options, none),
  };
}

function sentinelAt(node: { host: string; port?: number }, index: number): Address {
  const argument = `options.sentinels.nodes[${index}]`;
  checkOptions(argument, node, ['host', 'port']);
  const { host, port = 26_379 } = node;
  if (typeof host !== 'string' || host === '') throw wrongType(`${argument}.host`, 'the name of a host', host);
  checkCount(`${argument}.port`, port, 1, 65_535);
  return { host, port };
}

type AccessOptions = Pick<RedisOptions, 'tls' | 'username' | 'password' | 'database'>;

/** What stands in the options goes before what stands in the URL. */
function accessOf(argument: string, options: AccessOptions, otherwise: Access): Access {
  const { username = otherwise.username, password = otherwise.password, database = otherwise.database } = options;
  const { tls = otherwise.tls } = options;
  if (username !== undefined && typeof username !== 'string')
    throw wrongType(`${argument}.username`, 'a string', username);
  if (password !== undefined && typeof password !== 'string')
    throw wrongType(`${argument}.password`, 'a string', password);
  if (username !== undefined && password === undefined) {
    throw invalid(`${argument}.password`, 'a string where there is a username', 'undefined');
  }
  checkCount(`${argument}.database`, database, 0, 1_000_000);
  if (tls === undefined || tls === false) return { username, password, database, tls: undefined };
  if (tls !== true && (typeof tls !== 'object' || tls === null)) {
    throw wrongType(`${argument}.tls`, 'true, false, or an object with options of node:tls', tls);
  }
  return { username, password, database, tls: tls === true ? {} : tls };
}

function decoded(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part);
  } catch {
    throw invalid('options.url', 'a URL with user and password percent-encoded', 'one with a % that encodes nothing');
  }
}

function invalid(argument: string, expected: string, received: string): TroupeTypeError {
  return new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}
