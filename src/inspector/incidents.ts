/** What goes wrong, as viewers are told of it: crashes, violations, dead letters, failed callbacks. */
import { describe, describeError } from './describe.ts';
import type { CrashFrame, DeadLetterFrame, FailureFrame, ViolationFrame } from './protocol.ts';
import { redactError, type Redaction } from './redaction.ts';
import type { InspectorSource } from './source.ts';

export type IncidentFrame = CrashFrame | ViolationFrame | DeadLetterFrame | FailureFrame;

export interface IncidentsSetting {
  readonly source: InspectorSource;
  readonly redaction: Redaction;
  /** The sessionId of a connection's actor, if anybody watches that. */
  readonly sessionIdOf: (connection: string) => string | undefined;
  readonly tell: (frame: IncidentFrame) => void;
}

/** Tells of what goes wrong from now on; returns what ends that. */
export function overhearIncidents({ source, redaction, sessionIdOf, tell }: IncidentsSetting): () => void {
  const redact = redactError(redaction);
  // What the remote side did wrong is said by the runtime, in words of its own.
  const redactOwn = redaction === 'all' ? undefined : redact;
  const ends = [
    source.overhear('connection.crashed', ({ connection, service, state, during, error }) => {
      tell({
        type: 'troupe.crash',
        at: Date.now(),
        connection: connection.id,
        service,
        sessionId: sessionIdOf(connection.id),
        state: {
          connection: describe(state.connection),
          ...(state.machine !== undefined && { machine: describe(state.machine) }),
        },
        during,
        error: describeError(error, redact),
      });
    }),
    source.overhear('connection.violated', ({ connection, code, error }) => {
      const { id, service } = connection;
      tell({
        type: 'troupe.violation',
        at: Date.now(),
        connection: id,
        service,
        code,
        error: describeError(error, redactOwn),
      });
    }),
    source.overhear('push.dead-lettered', ({ function: name, target, status, bytes, missed }) => {
      tell({ type: 'troupe.dead-letter', at: Date.now(), function: name, target, status, bytes, missed });
    }),
    source.overhear('callback.failed', ({ callback, error }) => {
      tell({ type: 'troupe.failure', at: Date.now(), callback, error: describeError(error, redact) });
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
