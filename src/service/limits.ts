/** Bounds that hold for every connection. The defaults are safe on the open internet. */
import { checkCount, checkOptions, MAX_DELAY_MS, wrongType } from '../arguments.ts';
import { outboundPolicies, type OutboundPolicy } from '../delivery/contract.ts';
import { TroupeRangeError } from '../errors.ts';

/** How many messages a connection may send: a token bucket. */
export interface MessageRate {
  /** How many a second in the long run, 0.001 to 1 000 000. */
  readonly perSecond: number;
  /** How many at once after a time of silence. @defaultValue as many as in a second, at least one */
  readonly burst?: number;
  /** What follows when more come: a close with 1008, or they wait for their time. @defaultValue 'close' */
  readonly excess?: 'close' | 'hold';
}

/** The limits of a server; all but `handshakeTimeoutMs` may be overridden for a service. */
export interface Limits {
  /** The largest incoming message, in bytes; a larger one closes the connection with 1009. @defaultValue 1 MiB */
  readonly maxPayload: number;
  /**
   * The connection is *congested* while this many bytes wait for the remote side to read; what happens to a push then
   * is the `outboundPolicy`. One message may be larger: only what waits counts. At least 64 KiB. @defaultValue 1 MiB
   */
  readonly highWaterMarkBytes: number;
  /** What happens to a push to a congested connection; see `docs/limits.md`. @defaultValue 'close' */
  readonly outboundPolicy: OutboundPolicy;
  /** Never are more bytes than this buffered for a connection; a push beyond is refused. @defaultValue 16 MiB */
  readonly hardCapBytes: number;
  /** So many messages, or `maxPayload` bytes of them, wait for a busy handler before the socket is no longer read. @defaultValue 64 */
  readonly maxWaitingMessages: number;
  /** How many messages a connection may send; `false` for any number. @defaultValue false */
  readonly messageRate: MessageRate | false;
  /**
   * The most connections, of the server or of the service, handshakes that wait for `authenticate` included; beyond it
   * upgrades get 503. @defaultValue Infinity
   */
  readonly maxConnections: number;
  /**
   * The most connections from one remote address, of the server or of the service; beyond it upgrades get 429. The
   * IPv6 addresses with the same first 64 bits count as one. Behind a proxy it needs `trustProxy`. @defaultValue Infinity
   */
  readonly maxConnectionsPerAddress: number;
  /** After so much silence a ping is sent; after two unanswered ones the socket is destroyed. 0 is off. @defaultValue 30 000 */
  readonly heartbeatIntervalMs: number;
  /** How long the close handshake, and a handler at the end, may take. @defaultValue 10 000 */
  readonly closeTimeoutMs: number;
  /** After so long without a message the service is told (`onIdle`). 0 is off. @defaultValue 0 */
  readonly idleTimeoutMs: number;
  /**
   * How long a handshake may take: a request's headers to arrive at a server of our own (`listen`), and then, on any
   * server, what a service asks before the 101 (`authenticate` and others), which is answered 503 beyond it.
   * @defaultValue 10 000
   */
  readonly handshakeTimeoutMs: number;
  /** So many handshakes of a service may wait for `authenticate` and others; beyond it upgrades get 503. @defaultValue 1000 */
  readonly maxWaitingHandshakes: number;
  /** So long before `auth` expires the service is told, but not before half of its time is over. @defaultValue 60 000 */
  readonly expiryWarningMs: number;
}

/** The limits that a service may override. */
export type ServiceLimits = Omit<Limits, 'handshakeTimeoutMs'>;

const MiB = 1_048_576;

export const defaultLimits: Limits = Object.freeze({
  maxPayload: MiB,
  highWaterMarkBytes: MiB,
  outboundPolicy: 'close',
  hardCapBytes: 16 * MiB,
  maxWaitingMessages: 64,
  messageRate: false,
  maxConnections: Infinity,
  maxConnectionsPerAddress: Infinity,
  heartbeatIntervalMs: 30_000,
  closeTimeoutMs: 10_000,
  idleTimeoutMs: 0,
  handshakeTimeoutMs: 10_000,
  maxWaitingHandshakes: 1000,
  expiryWarningMs: 60_000,
});

const LEAST_RATE = 0.001;
const MOST_RATE = 1_000_000;

/** The limits that are numbers. */
type Count = Exclude<keyof Limits, 'outboundPolicy' | 'messageRate'>;

/** The least and the most that each may be. */
const bounds: Readonly<Record<Count, readonly [least: number, most: number]>> = {
  // Node makes no text of more.
  maxPayload: [1, 256 * MiB],
  // Below what Node itself buffers for a socket, nobody tells when it is empty again.
  highWaterMarkBytes: [65_536, Number.MAX_SAFE_INTEGER],
  hardCapBytes: [65_536, Number.MAX_SAFE_INTEGER],
  maxWaitingMessages: [1, Number.MAX_SAFE_INTEGER],
  maxConnections: [0, Number.MAX_SAFE_INTEGER],
  maxConnectionsPerAddress: [1, Number.MAX_SAFE_INTEGER],
  heartbeatIntervalMs: [0, MAX_DELAY_MS],
  closeTimeoutMs: [1, MAX_DELAY_MS],
  idleTimeoutMs: [0, MAX_DELAY_MS],
  handshakeTimeoutMs: [1, MAX_DELAY_MS],
  maxWaitingHandshakes: [1, Number.MAX_SAFE_INTEGER],
  expiryWarningMs: [0, MAX_DELAY_MS],
};

/** @throws {TroupeTypeError | TroupeRangeError} for a value that is no limit */
export function checkLimits(limits: Partial<Limits>): void {
  if (typeof limits !== 'object' || limits === null) throw wrongType('limits', 'an object', limits);
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(defaultLimits, name)) {
      throw invalid(`limits.${name}`, `one of ${Object.keys(defaultLimits).join(', ')}`, 'no limit that exists');
    }
    if (name === 'outboundPolicy') checkPolicy(value);
    else if (name === 'messageRate') checkRate(value);
    else checkNumber(name as Count, value as number);
  }
}

function checkPolicy(policy: unknown): void {
  if (outboundPolicies.includes(policy as OutboundPolicy)) return;
  const expected = `one of ${outboundPolicies.map((one) => `'${one}'`).join(', ')}`;
  if (typeof policy !== 'string') throw wrongType('limits.outboundPolicy', expected, policy);
  throw invalid('limits.outboundPolicy', expected, 'another string');
}

/** @throws {TroupeTypeError | TroupeRangeError} */
function checkRate(rate: unknown): void {
  if (rate === false) return;
  if (typeof rate !== 'object' || rate === null) throw wrongType('limits.messageRate', 'false or { perSecond }', rate);
  checkOptions('limits.messageRate', rate, ['perSecond', 'burst', 'excess']);
  const { perSecond, burst, excess } = rate as Partial<MessageRate>;
  const argument = 'limits.messageRate.perSecond';
  if (typeof perSecond !== 'number') throw wrongType(argument, 'a number', perSecond);
  if (!(perSecond >= LEAST_RATE && perSecond <= MOST_RATE)) {
    throw invalid(argument, `a number from ${LEAST_RATE} to ${MOST_RATE}`, String(perSecond));
  }
  if (burst !== undefined) checkCount('limits.messageRate.burst', burst, 1, MOST_RATE);
  if (excess !== undefined && excess !== 'close' && excess !== 'hold') {
    throw invalid('limits.messageRate.excess', "'close' or 'hold'", 'something else');
  }
}

function checkNumber(limit: Count, value: number): void {
  if (value === Infinity && defaultLimits[limit] === Infinity) return;
  checkCount(`limits.${limit}`, value, ...bounds[limit]);
}

/** `base` with what `overrides` says. @throws {TroupeTypeError | TroupeRangeError} for a value that is no limit */
export function resolveLimits(base: Limits, overrides: Partial<Limits> = {}): Limits {
  checkLimits(overrides);
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const limits: Limits = { ...base, ...Object.fromEntries(given) };
  if (limits.hardCapBytes < limits.highWaterMarkBytes) {
    throw invalid(
      'limits.hardCapBytes',
      `at least highWaterMarkBytes (${limits.highWaterMarkBytes})`,
      `${limits.hardCapBytes}`,
    );
  }
  return limits;
}

function invalid(argument: string, expected: string, received: string): TroupeRangeError {
  return new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received });
}
