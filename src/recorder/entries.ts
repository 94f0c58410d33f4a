/**
 * What a recording consists of.
 *
 * A recording is a header, the entries in the order in which they happened, and an end without which it is known to be
 * cut off. Some entries are given to the service again when it is replayed (`event`, `step`, `answer`, and `chart` where
 * the replay has not got there by itself); the others say what followed.
 */
import type { RecordingGap } from '../service/recorder.ts';
import type { Json } from './values.ts';

export const FORMAT = 1;

export interface ConnectionRecord {
  readonly id: string;
  readonly path: string;
  readonly pathParams: Json;
  /** What the schema made of them; absent without one. */
  readonly params?: Json;
  readonly subprotocol: string;
  readonly isSecure: boolean;
  readonly openedAt: number;
  readonly remoteAddress?: string;
  /** As text when it was not checked, as what the schema made of it otherwise. */
  readonly query?: Json;
  readonly auth?: Json;
}

/** Where a recording begins that has forgotten the beginning. */
export interface Base {
  /** XState's own form of the machine's snapshot. */
  readonly machine?: Json;
  readonly attributes?: Json;
  /** How often the service had begun anew. */
  readonly life: number;
}

export interface Header {
  readonly kind: 'recording';
  readonly format: typeof FORMAT;
  /** The version of the package. */
  readonly troupe: string;
  readonly node: string;
  readonly service: string;
  readonly form: 'handlers' | 'class' | 'machine';
  readonly reason: 'crash' | 'asked';
  readonly writtenAt: number;
  readonly connection: ConnectionRecord;
  readonly gaps: readonly RecordingGap[];
  readonly base?: Base;
}

export interface ErrorRecord {
  readonly error: Json;
  readonly stack?: string;
}

/** The entries by their kind. `at` is in ms since 1970. */
export interface Entries {
  /** What handles the events was made, or goes on from what was kept. */
  readonly begin: { readonly from: 'start' | 'snapshot' };
  /** The service is given an event. */
  readonly event: { readonly event: Json; readonly lifecycle: string };
  /** The machine takes an event: one of the service's, or one of its own, of a delay or an invoked actor for example. */
  readonly step: { readonly event: Json };
  /** The machine has another snapshot. */
  readonly state: { readonly state: Json };
  /** The service called a function of its connection. */
  readonly call: {
    readonly function: string;
    readonly arguments: Json;
    readonly answer?: Json;
    /** The number of its answer, which came later. */
    readonly request?: number;
    /** Not while it handled something. */
    readonly beside?: true;
  };
  /** The request with that number was answered, or the call. */
  readonly answer: { readonly request: number; readonly data?: Json; readonly error?: Json };
  /** The handler has settled. */
  readonly settled: { readonly type: string; readonly attributes?: Json };
  /** The chart of the connection was told something else than an event of the service. */
  readonly chart: {
    readonly event: string;
    readonly code?: number;
    readonly reason?: string;
    readonly error?: Json;
    readonly lifecycle: string;
    readonly outbound: string;
    readonly inbound: string;
    readonly liveness: string;
    readonly authentication: string;
  };
  readonly crash: ErrorRecord & { readonly during: string; readonly lifecycle: string; readonly machine?: Json };
}

export type EntryKind = keyof Entries;
export type EntryOf<Kind extends EntryKind> = { readonly kind: Kind; readonly at: number } & Entries[Kind];
export type Entry = { [Kind in EntryKind]: EntryOf<Kind> }[EntryKind];
/** Without the time. */
export type Note = { [Kind in EntryKind]: { readonly kind: Kind } & Entries[Kind] }[EntryKind];

export interface End {
  readonly kind: 'end';
  readonly entries: number;
}

/** What the chart of a connection is told from outside of the service, and leads to another state of its lifecycle. */
export const lifecycleEvents: ReadonlySet<string> = new Set([
  'close.requested',
  'finish.requested',
  'close.timedOut',
  'socket.closing',
  'socket.closed',
  'protocol.violated',
  'restart.due',
]);
