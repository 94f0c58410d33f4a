/** What is recorded of the connections of a service: how a program says it. */
import { checkCount, checkOptions, wrongType } from '../arguments.ts';

/** What {@link RecorderOptions.redact} is asked about. */
export interface RecordedPart {
  /**
   * `event`: what the service or its machine was told, the event itself; `call`: the arguments of a function of the
   * connection; `answer`: the reply to a request; `context` of a machine; `attributes` of the connection, a `Map`;
   * `params`, `query`, `auth` of the handshake; `error`: what was thrown.
   */
  readonly part: 'event' | 'call' | 'answer' | 'context' | 'attributes' | 'params' | 'query' | 'auth' | 'error';
  /** The type of the event, or the name of the function; '' for the others. */
  readonly name: string;
}

/** Where recordings of crashes are written. */
export interface RecordingFolder {
  /** Is made when it is needed, for its owner alone. Relative to the working directory at the start. */
  readonly folder: string;
  /** So many recordings may be in the folder, whoever wrote them, 1 to 100 000; then no more are written. @defaultValue 20 */
  readonly maxFiles?: number;
  /** So many may be written in a minute, 1 to 10 000. @defaultValue 6 */
  readonly maxPerMinute?: number;
}

/** The last part of the life of a connection. */
export interface Recording {
  /** The id of the connection. */
  readonly connection: string;
  /** The name of the service. */
  readonly service: string;
  /** Why it was made: its connection has crashed, or somebody asked. */
  readonly reason: 'crash' | 'asked';
  /** Why it cannot be replayed exactly; empty when it can. */
  readonly gaps: readonly RecordingGap[];
  /** What a file holds of it: lines of JSON, see `docs/flight-recorder.md`. */
  readonly text: string;
}

/**
 * What a recording lacks. `auth`, `query`: there were some, and they were not to be recorded; `redacted`: `redact` has
 * changed something; `cut`: something was too large; `opaque`: there was a function, or an instance of a class;
 * `beginning`: the service has forgotten nothing since then, but the recording has.
 */
export type RecordingGap = 'auth' | 'query' | 'redacted' | 'cut' | 'opaque' | 'beginning';

/**
 * A flight recorder for each connection of a service: its latest events and what followed from them, in bounds.
 *
 * What clients send is recorded, and what the service pushes, holds in its machine's context or in `attributes`; so a
 * recording is as confidential as these. Left out unless `include` says otherwise: what `authenticate` found out, the
 * query and the address; texts of 8 characters or more that stand in the first two are taken out wherever they stand.
 * Headers are never recorded.
 *
 * @example
 * ```ts
 * import { defineService } from 'troupe';
 *
 * export const chat = defineService({
 *   basePath: '/chat',
 *   recorder: {
 *     events: 100,
 *     redact: (value, { part, name }) => (part === 'event' && name === 'ws.binary' ? undefined : value),
 *     onCrash: { folder: 'recordings' },
 *   },
 *   onTextMessage: (connection, text) => connection.pushText(text),
 * });
 * ```
 */
export interface RecorderOptions {
  /** So many of the latest events of a connection are kept, 1 to 100 000. @defaultValue 256 */
  readonly events?: number;
  /**
   * How much may be kept for one connection, in bytes of text, 4096 to 1 GiB: some more is needed for the objects that
   * hold it. Multiply it by the number of connections. @defaultValue 131 072
   */
  readonly maxBytes?: number;
  /** How much of one event, context or argument, 256 to `maxBytes`; more is cut. @defaultValue 16 384 */
  readonly maxValueBytes?: number;
  /** What is recorded beside. @defaultValue none of it */
  readonly include?: readonly ('auth' | 'query' | 'address')[];
  /**
   * Returns what is recorded in the place of `value`, which it MUST NOT change. Is called for each part of each event,
   * and by a replay for the parts that it compares. If it throws, nothing is recorded of the value.
   */
  readonly redact?: (value: unknown, part: RecordedPart) => unknown;
  /**
   * Where a recording goes when its connection crashes: into a file, or to a function, which is called at once. Without
   * it there are recordings for `troupe.recording()` only.
   */
  readonly onCrash?: RecordingFolder | ((recording: Recording) => void);
}

/** @internal The options with all that was left out. */
export interface RecorderSettings {
  readonly events: number;
  readonly maxBytes: number;
  readonly maxValueBytes: number;
  readonly include: ReadonlySet<'auth' | 'query' | 'address'>;
  readonly redact: RecorderOptions['redact'];
  readonly onCrash: Required<RecordingFolder> | ((recording: Recording) => void) | undefined;
}

const keys = ['events', 'maxBytes', 'maxValueBytes', 'include', 'redact', 'onCrash'] as const;
const includable = ['auth', 'query', 'address'];
const LEAST_BYTES = 4096;
const LEAST_VALUE_BYTES = 256;

/** @internal @throws {TroupeTypeError | TroupeRangeError} `TROUPE_ARGUMENT_INVALID` */
export function checkRecorder(options: RecorderOptions | undefined): void {
  if (options === undefined) return;
  checkOptions('recorder', options, keys);
  const { events, maxBytes, maxValueBytes, include, redact, onCrash } = resolveRecorder(options);
  checkCount('recorder.events', events, 1, 100_000);
  checkCount('recorder.maxBytes', maxBytes, LEAST_BYTES, 2 ** 30);
  checkCount('recorder.maxValueBytes', maxValueBytes, LEAST_VALUE_BYTES, maxBytes);
  for (const one of include) {
    if (!includable.includes(one)) throw wrongType('recorder.include', `an array of ${includable.join(', ')}`, one);
  }
  if (redact !== undefined && typeof redact !== 'function') throw wrongType('recorder.redact', 'a function', redact);
  if (onCrash === undefined || typeof onCrash === 'function') return;
  checkOptions('recorder.onCrash', onCrash, ['folder', 'maxFiles', 'maxPerMinute']);
  const { folder, maxFiles, maxPerMinute } = onCrash;
  if (typeof folder !== 'string' || folder === '') throw wrongType('recorder.onCrash.folder', 'a path', folder);
  checkCount('recorder.onCrash.maxFiles', maxFiles, 1, 100_000);
  checkCount('recorder.onCrash.maxPerMinute', maxPerMinute, 1, 10_000);
}

/** @internal Fills in what was left out. */
export function resolveRecorder(options: RecorderOptions): RecorderSettings {
  const { events = 256, maxBytes = 131_072, include = [], redact, onCrash } = options;
  if (!Array.isArray(include)) throw wrongType('recorder.include', `an array of ${includable.join(', ')}`, include);
  return {
    events,
    maxBytes,
    maxValueBytes: options.maxValueBytes ?? Math.min(16_384, maxBytes),
    include: new Set(include),
    redact,
    onCrash: typeof onCrash === 'object' && onCrash !== null ? { maxFiles: 20, maxPerMinute: 6, ...onCrash } : onCrash,
  };
}
