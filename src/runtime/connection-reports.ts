/** What a connection makes known of itself: the telemetry events it is the subject of, and to its chart its failures. */
import type { EventObject } from 'xstate';
import { isBinary, type Frame } from '../delivery/frame.ts';
import { TroupeError } from '../errors.ts';
import type { TakenTransition } from './compiled-chart.ts';
import { regionsOf, type ConnectionEventOf } from './connection-regions.ts';
import type { LiveConnection } from './connection.ts';
import { edgesOf, statesOf } from './edges.ts';

const INTERNAL_ERROR = 1011;

/** What the chart is told when code of the service fails: with the states that it failed in. */
export function failureOf(
  { configuration, performer }: LiveConnection,
  error: unknown,
  during: string,
): ConnectionEventOf<'handler.failed' | 'farewell.failed'> {
  const machine = performer?.state?.();
  const state = { connection: configuration.value, ...(machine !== undefined && { machine }) };
  if (during === 'ws.close') return { type: 'farewell.failed', error, during, state };
  return { type: 'handler.failed', error, during, state, code: INTERNAL_ERROR, reason: '' };
}

export function reportOpened(connection: LiveConnection): void {
  const { events } = connection;
  if (events.has('connection.opened')) events.emit('connection.opened', { connection: connection.info() });
}

/** `event` led to other active states; only called while somebody listens. */
export function reportChanged(connection: LiveConnection, event: EventObject): void {
  const { id, service, configuration } = connection;
  connection.events.emit('connection.changed', {
    connection: id,
    service,
    event: event.type,
    value: configuration.value,
    ...regionsOf(configuration),
  });
}

/** `event` took `transitions`; only called while somebody listens. */
export function reportMoved(
  { id, service, configuration, events }: LiveConnection,
  event: EventObject,
  transitions: readonly TakenTransition[],
): void {
  events.emit('connection.transitioned', {
    connection: id,
    service,
    event: event.type,
    edges: edgesOf(transitions),
    states: statesOf(configuration.snapshot),
  });
}

/** A message arrived; only called while somebody listens. */
export function reportReceived(
  { id, service, events }: LiveConnection,
  event: ConnectionEventOf<'ws.text' | 'ws.binary'>,
): void {
  const message =
    event.type === 'ws.text'
      ? ({ kind: 'text', bytes: Buffer.byteLength(event.text) } as const)
      : ({ kind: 'binary', bytes: event.data.byteLength } as const);
  events.emit('message.received', { connection: id, service, ...message });
}

/** A message was taken by the outbox; only called while somebody listens. */
export function reportSent({ id, service, events }: LiveConnection, frame: Frame): void {
  const kind = isBinary(frame) ? 'binary' : 'text';
  events.emit('message.sent', { connection: id, service, kind, bytes: frame.payloadLength });
}

export function reportCongested(connection: LiveConnection): void {
  const { events } = connection;
  if (events.has('connection.congested')) events.emit('connection.congested', { connection: connection.info() });
}

export function reportClosed(connection: LiveConnection, code: number, reason: string): void {
  const { events } = connection;
  if (events.has('connection.closed'))
    events.emit('connection.closed', { connection: connection.info(), code, reason });
}

export function reportIgnored(connection: LiveConnection, kind: 'text' | 'binary', total: number): void {
  const { events } = connection;
  if (events.has('connection.ignored'))
    events.emit('connection.ignored', { connection: connection.info(), kind, total });
}

export function reportCrash(
  connection: LiveConnection,
  crash: ConnectionEventOf<'handler.failed' | 'farewell.failed'>,
): void {
  const { events, service } = connection;
  const { error, during, state } = crash;
  // Before anybody can do something about it.
  connection.crashed?.(crash);
  events.emit('connection.crashed', { connection: connection.info(), service, state, during, error });
  connection.handling.tellError(connection, error);
}

/** It sent faster than it may; what follows is its service's choice. */
export function reportThrottled(connection: LiveConnection): void {
  const { events, limits } = connection;
  if (limits.messageRate === false || !events.has('connection.throttled')) return;
  const { excess = 'close' } = limits.messageRate;
  events.emit('connection.throttled', { connection: connection.info(), excess });
}

export function reportRestarted(connection: LiveConnection, from: 'start' | 'snapshot', restarts: number): void {
  const { events, service } = connection;
  if (events.has('connection.restarted'))
    events.emit('connection.restarted', { connection: connection.info(), service, from, restarts });
}

export function reportViolation(
  connection: LiveConnection,
  { code, error }: ConnectionEventOf<'protocol.violated'>,
): void {
  if (connection.events.has('connection.violated'))
    connection.events.emit('connection.violated', { connection: connection.info(), code, error });
  connection.handling.tellError(connection, error);
}

/** A handler was waited for as long as a close may take. */
export function reportUnsettled({ events, service, id }: LiveConnection): void {
  const error = new TroupeError('TROUPE_HANDLER_UNSETTLED', { service, connection: id });
  events.emit('callback.failed', { callback: `a handler of service "${service}"`, error });
}

/** Code of the service failed where nothing can follow from it any more. */
export function reportTooLate({ events, service }: LiveConnection, error: unknown, during: string): void {
  events.emit('callback.failed', { callback: `${during} of service "${service}"`, error });
}
