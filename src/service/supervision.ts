/** What follows from the crashes of a service: how a program says it. */
import { checkCount, checkOptions, MAX_DELAY_MS, wrongType } from '../arguments.ts';
import { TroupeRangeError } from '../errors.ts';

/** So many within such a time. */
export interface CrashIntensity {
  /** How many crashes, 1 to 10 000. */
  readonly crashes: number;
  /** Within how many ms. */
  readonly withinMs: number;
}

/** How many restarts a connection gets before it is closed. */
export interface RestartLimit {
  /** How many restarts, 0 to 10 000. @defaultValue 3 */
  readonly restarts?: number;
  /** Within how many ms. @defaultValue 5000 */
  readonly withinMs?: number;
}

/**
 * How long to wait before another attempt: `minMs`, and each time `factor` times as long, up to `maxMs`. Waits are met
 * at a tick of 100 ms, so they may be late by that much.
 */
export interface Backoff {
  /** The first wait, in ms. */
  readonly minMs?: number;
  /** The longest wait, in ms, before `jitter` is added. */
  readonly maxMs?: number;
  /** How much longer each wait is than the one before, 1 to 100. @defaultValue 2 */
  readonly factor?: number;
  /** Up to this share of the wait, 0 to 1, is added at random, so that what failed together does not return together. @defaultValue 0.2 */
  readonly jitter?: number;
}

/**
 * What follows when a service's handlers, guards or actions fail.
 *
 * Without it a crash closes its own connection with 1011, and nothing else follows, however many there are. A stranger
 * who can make a handler fail at will can reach `intensity`: set it for failures that no single client can provoke, or
 * higher than one client is allowed to.
 *
 * @example
 * ```ts
 * import { defineService } from 'troupe';
 *
 * export const game = defineService({
 *   basePath: '/game',
 *   supervision: {
 *     onCrash: 'restart',
 *     restartLimit: { restarts: 3, withinMs: 5_000 },
 *     intensity: { crashes: 100, withinMs: 10_000 },
 *     recovery: { minMs: 1_000, maxMs: 60_000 },
 *   },
 *   onTextMessage: (connection, text) => connection.pushText(text),
 * });
 * ```
 *
 * Source: the restart intensity of Erlang/OTP's supervisors; the back-off of Akka's `BackoffSupervisor`.
 */
export interface SupervisionOptions {
  /**
   * What happens to the connection: `close` ends it with 1011; `restart` begins the service anew for the same socket,
   * with its names and groups. The message that failed is not handled again; those behind it wait. @defaultValue 'close'
   */
  readonly onCrash?: 'close' | 'restart';
  /**
   * Where a restart begins. `start`: `connection.attributes` is empty, a class has a new instance, a machine a new
   * actor, and `onOpen` runs again. `snapshot`: a machine goes on from where it was before the event that failed, with
   * its delays begun again; a class keeps its instance and handlers keep `attributes`, as they are: nothing is undone in
   * them. What failed while it opened begins at its start in any case. @defaultValue 'start'
   */
  readonly restartFrom?: 'start' | 'snapshot';
  /** So many restarts of one connection within such a time; the next crash closes it with 1011. */
  readonly restartLimit?: RestartLimit;
  /** How long a connection waits before it is restarted. @defaultValue minMs 100, maxMs 30 000 */
  readonly backoff?: Backoff;
  /**
   * So many crashes of all connections of the service within such a time make the service `failed`: upgrades get 503
   * with `Retry-After`, open connections stay, and what crashes is closed. @defaultValue none: it never fails
   */
  readonly intensity?: CrashIntensity;
  /** How long a failed service waits before it accepts connections again. @defaultValue minMs 1000, maxMs 60 000 */
  readonly recovery?: Backoff;
}

/** A back-off with nothing left out. */
export type FullBackoff = Required<Backoff>;

/** @internal The options of a service with nothing left out. */
export interface Supervision {
  readonly onCrash: 'close' | 'restart';
  readonly restartFrom: 'start' | 'snapshot';
  readonly restartLimit: Required<RestartLimit>;
  readonly backoff: FullBackoff;
  readonly intensity: CrashIntensity | undefined;
  readonly recovery: FullBackoff;
}

const keys = ['onCrash', 'restartFrom', 'restartLimit', 'backoff', 'intensity', 'recovery'] as const;
const backoffKeys = ['minMs', 'maxMs', 'factor', 'jitter'] as const;
const MOST = 10_000;
/** With all of the jitter it is no longer than a timer can wait, in ms. */
const LONGEST = Math.floor(MAX_DELAY_MS / 2);

/** @internal @throws {TroupeTypeError | TroupeRangeError} for what is no supervision */
export function checkSupervision(options: SupervisionOptions | undefined): void {
  if (options === undefined) return;
  checkOptions('supervision', options, keys);
  checkChoice('supervision.onCrash', options.onCrash, ['close', 'restart']);
  checkRestartFrom('supervision.restartFrom', options.restartFrom);
  const { restartLimit, intensity } = options;
  if (restartLimit !== undefined) {
    checkOptions('supervision.restartLimit', restartLimit, ['restarts', 'withinMs']);
    const { restarts = 0, withinMs = 1 } = restartLimit;
    checkCount('supervision.restartLimit.restarts', restarts, 0, MOST);
    checkCount('supervision.restartLimit.withinMs', withinMs, 1, MAX_DELAY_MS);
  }
  if (intensity !== undefined) {
    checkOptions('supervision.intensity', intensity, ['crashes', 'withinMs']);
    checkCount('supervision.intensity.crashes', intensity.crashes, 1, MOST);
    checkCount('supervision.intensity.withinMs', intensity.withinMs, 1, MAX_DELAY_MS);
  }
  resolveSupervision(options);
}

/** @internal Fills in what was left out. @throws {TroupeRangeError} for waits that are none */
export function resolveSupervision(options: SupervisionOptions): Supervision {
  const { onCrash = 'close', restartFrom = 'start', restartLimit, backoff, intensity, recovery } = options;
  return {
    onCrash,
    restartFrom,
    restartLimit: { restarts: restartLimit?.restarts ?? 3, withinMs: restartLimit?.withinMs ?? 5000 },
    backoff: resolveBackoff('supervision.backoff', backoff, { minMs: 100, maxMs: 30_000 }),
    intensity,
    recovery: resolveBackoff('supervision.recovery', recovery, { minMs: 1000, maxMs: 60_000 }),
  };
}

function resolveBackoff(
  name: string,
  backoff: Backoff | undefined,
  defaults: Required<Pick<Backoff, 'minMs' | 'maxMs'>>,
): FullBackoff {
  if (backoff !== undefined) checkOptions(name, backoff, backoffKeys);
  const { minMs = defaults.minMs, factor = 2, jitter = 0.2 } = backoff ?? {};
  checkCount(`${name}.minMs`, minMs, 0, LONGEST);
  // Who waits longer than the default from the first time on need not say so twice.
  const maxMs = backoff?.maxMs ?? Math.max(minMs, defaults.maxMs);
  checkCount(`${name}.maxMs`, maxMs, minMs, LONGEST);
  checkShare(`${name}.factor`, factor, 1, 100);
  checkShare(`${name}.jitter`, jitter, 0, 1);
  return { minMs, maxMs, factor, jitter };
}

/** @internal @throws {TroupeTypeError} */
export function checkRestartFrom(argument: string, value: unknown): void {
  checkChoice(argument, value, ['start', 'snapshot']);
}

function checkChoice(argument: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  throw wrongType(argument, choices.map((choice) => `"${choice}"`).join(' or '), value);
}

function checkShare(argument: string, value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw wrongType(argument, 'a number', value);
  if (value >= least && value <= most) return;
  const expected = `a number from ${least} to ${most}`;
  throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument, expected, received: String(value) });
}
