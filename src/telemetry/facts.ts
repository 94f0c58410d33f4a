/**
 * What happens in a Troupe, as typed facts: for logs, metrics and tests.
 *
 * Nothing is made for a fact that nobody listens to, and nothing is timed for it.
 */
import type { MessageRejection } from '../service/message-types.ts';
import type {
  AuthenticationState,
  ConnectionInfo,
  ConnectionState,
  InboundState,
  LivenessState,
  OutboundState,
} from '../service/connection.ts';
import type { ServiceEvent } from '../service/events.ts';
import type { DeliveryStatus } from '../service/outcome.ts';
import type { RecordingGap } from '../service/recorder.ts';

/** A transition of a chart that was taken. States are named by their path from the id of their machine: `chat.open.idle`. */
export interface Edge {
  readonly source: string;
  /** None: the states stay as they are. */
  readonly targets: readonly string[];
  /** The event as the chart says it, `ws.*` for example; `''` when it needs none. */
  readonly event: string;
}

interface MessageFact {
  readonly connection: string;
  readonly service: string;
  readonly kind: 'text' | 'binary';
  /** Of the message itself: in UTF-8, not compressed, without the header of its frame. */
  readonly bytes: number;
}

/** The events by name, with what they carry. */
export interface TroupeEvents {
  /** A connection was opened; `onOpen` has not run yet. */
  'connection.opened': { readonly connection: ConnectionInfo };
  /** The chart of a connection is in other states than before. */
  'connection.changed': {
    readonly connection: string;
    readonly service: string;
    /** The event that led there. */
    readonly event: string;
    /** All active states, as XState writes them. */
    readonly value: unknown;
    readonly state: ConnectionState;
    readonly outbound: OutboundState;
    readonly inbound: InboundState;
    readonly liveness: LivenessState;
    readonly authentication: AuthenticationState;
  };
  /** Transitions of the chart of a connection were taken; once at its beginning without any. */
  'connection.transitioned': {
    readonly connection: string;
    readonly service: string;
    /** The event that led there; `xstate.init` at the beginning. */
    readonly event: string;
    readonly edges: readonly Edge[];
    /** The innermost states that are active now. */
    readonly states: readonly string[];
  };
  /** So much is buffered for a connection that its remote side is a slow consumer. */
  'connection.congested': { readonly connection: ConnectionInfo };
  /** Nothing of a connection is left. */
  'connection.closed': { readonly connection: ConnectionInfo; readonly code: number; readonly reason: string };
  /** A handler, guard or action failed; the connection ends with 1011, or is restarted. */
  'connection.crashed': {
    readonly connection: ConnectionInfo;
    readonly service: string;
    /** The active states of the connection, and of the service's machine when it has one. */
    readonly state: { readonly connection: unknown; readonly machine?: unknown };
    /** The event that was being handled. */
    readonly during: string;
    readonly error: unknown;
  };
  /** The service begins anew for a connection for which it has failed. */
  'connection.restarted': {
    readonly connection: ConnectionInfo;
    readonly service: string;
    /** Where it begins. */
    readonly from: 'start' | 'snapshot';
    /** How many restarts that makes for this connection. */
    readonly restarts: number;
  };
  /** The remote side broke the protocol; the connection ends with `code`. */
  'connection.violated': { readonly connection: ConnectionInfo; readonly code: number; readonly error: Error };
  /** A message of a kind that the service does not handle. */
  'connection.ignored': {
    readonly connection: ConnectionInfo;
    readonly kind: 'text' | 'binary';
    readonly total: number;
  };
  /** More messages came than its `messageRate` allows: it is closed with 1008, or what comes is held back. */
  'connection.throttled': { readonly connection: ConnectionInfo; readonly excess: 'close' | 'hold' };
  /** A message that is none, is not declared, fails its schema or is not accepted now; the service never got it. */
  'message.rejected': {
    readonly connection: ConnectionInfo;
    readonly reason: MessageRejection;
    /** The type of the message, when it is a declared one. */
    readonly type: string | undefined;
    /** How many things its schema found wrong, of those that are told. */
    readonly issues: number;
    /** What the remote side got for it. */
    readonly answer: 'error' | 'close' | 'nothing';
  };
  /** A name went from `previous` to `connection`; `previous` stays open. */
  'connection.replaced': { readonly name: string; readonly connection: string; readonly previous: string };
  /** Transitions of the machine of a service were taken for one connection; once at its beginning without any. */
  'machine.transitioned': {
    readonly connection: string;
    readonly service: string;
    /** The id of the machine. */
    readonly machine: string;
    /** The event that led there; `xstate.init` at the beginning. */
    readonly event: string;
    readonly edges: readonly Edge[];
    /** The innermost states that are active now. */
    readonly states: readonly string[];
  };
  /** A complete message arrived; it has not been handled yet. */
  'message.received': MessageFact;
  /** A message was taken for a connection, to be written at the end of the tick. */
  'message.sent': MessageFact;
  /** The service has handled an event of a connection: a handler has settled, or a machine has taken the event. */
  'handler.settled': {
    readonly connection: string;
    readonly service: string;
    /** What was handled. */
    readonly event: ServiceEvent['type'];
    /** In milliseconds; what an asynchronous handler waited for is part of it. */
    readonly durationMs: number;
    /** Whether it threw or rejected; `connection.crashed` says what, of `onError` `callback.failed`. */
    readonly isFailed: boolean;
  };
  /** A recording of a connection that crashed was written into `file`. */
  'recording.written': {
    readonly connection: string;
    readonly service: string;
    /** Its full path. */
    readonly file: string;
    readonly bytes: number;
    /** Why it cannot be replayed exactly; empty when it can. */
    readonly gaps: readonly RecordingGap[];
  };
  /** A recording was not written: there are so many lately, or so many files, that no more may be. */
  'recording.dropped': { readonly connection: string; readonly service: string; readonly reason: 'rate' | 'files' };
  /** An upgrade was answered with 101. */
  'upgrade.accepted': {
    readonly connection: ConnectionInfo;
    /** Milliseconds from the request to the answer; absent when nobody listened yet as it arrived. */
    readonly durationMs?: number;
  };
  /** An upgrade was answered with `status`. */
  'upgrade.refused': {
    readonly status: number;
    readonly reason: string;
    readonly path: string;
    readonly remoteAddress: string;
    /** The service at that path, if there is one. */
    readonly service?: string;
    /** Milliseconds from the request to the answer; absent when nobody listened yet as it arrived. */
    readonly durationMs?: number;
  };
  /** A push that reached nobody, or not all of a group. */
  'push.dead-lettered': {
    readonly function: string;
    readonly target: string;
    readonly status: DeliveryStatus;
    readonly bytes: number;
    /** How many connections it did not reach; 0 when there was no target at all. */
    readonly missed: number;
  };
  'service.attached': { readonly service: string };
  /** So many crashes that the service accepts no connections for `retryMs`. */
  'service.failed': { readonly service: string; readonly crashes: number; readonly retryMs: number };
  /** A service that failed accepts connections again, on probation. */
  'service.recovering': { readonly service: string };
  /** The probation has passed. */
  'service.recovered': { readonly service: string };
  /** The shared state of a service failed; it begins anew, or its service fails. Connections stay. */
  'shared.crashed': {
    readonly service: string;
    /** The active states of its machine; undefined if it is none. */
    readonly state: unknown;
    /** The event that it was taking, or what else it was doing. */
    readonly during: string;
    readonly error: unknown;
  };
  /** The shared state of a service begins anew. */
  'shared.restarted': {
    readonly service: string;
    /** Where it begins. */
    readonly from: 'start' | 'snapshot';
    /** How many restarts that makes since its service was attached. */
    readonly restarts: number;
  };
  /** An event that the shared state of a service will not take. */
  'shared.dead-lettered': {
    readonly service: string;
    /** The type of the event. */
    readonly event: string;
    /** Too many wait already; the actor has come to its end; or its service has stopped. */
    readonly reason: 'full' | 'ended' | 'stopped';
  };
  'service.draining': { readonly service: string; readonly connections: number };
  'service.detached': { readonly service: string };
  /** There is a link to the backplane's engine, and this node is where it was before. */
  'backplane.connected': {
    readonly engine: string;
    /** Whether there had been one before. */
    readonly again: boolean;
    /** How many names others had taken meanwhile; their connections are told as of any replacement. */
    readonly fenced: number;
    /** How many groups had been removed meanwhile. */
    readonly removed: number;
  };
  /** The link to the backplane is lost: what is local goes on. Pushes between nodes may have been lost with it. */
  'backplane.lost': { readonly engine: string; readonly error: unknown };
  /** An attempt to connect to the backplane failed; there will be another one. */
  'backplane.unreachable': { readonly engine: string; readonly error: unknown; readonly attempt: number };
  /** The inspector is served at `url`, whose token lets in whoever has it. */
  'inspector.listening': { readonly url: string };
  'server.listening': { readonly host: string; readonly port: number; readonly url: string };
  'server.draining': { readonly connections: number };
  'server.closed': Readonly<Record<never, never>>;
  /** A callback of the embedding program threw; `callback` says which. */
  'callback.failed': { readonly callback: string; readonly error: unknown };
}

export type TroupeEventName = keyof TroupeEvents;

const names: Readonly<Record<TroupeEventName, true>> = {
  'connection.opened': true,
  'connection.changed': true,
  'connection.transitioned': true,
  'connection.congested': true,
  'connection.closed': true,
  'connection.crashed': true,
  'connection.restarted': true,
  'connection.violated': true,
  'connection.ignored': true,
  'connection.throttled': true,
  'message.rejected': true,
  'connection.replaced': true,
  'machine.transitioned': true,
  'message.received': true,
  'message.sent': true,
  'handler.settled': true,
  'recording.written': true,
  'recording.dropped': true,
  'upgrade.accepted': true,
  'upgrade.refused': true,
  'push.dead-lettered': true,
  'service.attached': true,
  'service.failed': true,
  'service.recovering': true,
  'service.recovered': true,
  'shared.crashed': true,
  'shared.restarted': true,
  'shared.dead-lettered': true,
  'service.draining': true,
  'service.detached': true,
  'backplane.connected': true,
  'backplane.lost': true,
  'backplane.unreachable': true,
  'inspector.listening': true,
  'server.listening': true,
  'server.draining': true,
  'server.closed': true,
  'callback.failed': true,
};

/** All events that there are. */
export const eventNames = Object.keys(names) as readonly TroupeEventName[];

export type TroupeEventListener<Name extends TroupeEventName> = (event: TroupeEvents[Name]) => void;
