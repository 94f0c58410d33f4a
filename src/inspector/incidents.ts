/** What goes wrong, as viewers are told of it: crashes, violations, dead letters, failed callbacks. */
import { describeError, describeState } from './describe.ts';
import type { CrashFrame, DeadLetterFrame, FailureFrame, ViolationFrame } from './protocol.ts';
import { redactError, type Redaction } from './redaction.ts';
import type { Share } from './share.ts';
import type { InspectorSource } from './source.ts';
import { encode } from './stately-wire.ts';
import type { Viewer } from './viewer.ts';

type IncidentFrame = CrashFrame | ViolationFrame | DeadLetterFrame | FailureFrame;

export interface IncidentsSetting {
  readonly source: InspectorSource;
  readonly redaction: Redaction;
  readonly viewers: ReadonlySet<Viewer>;
  readonly share: Share;
}

/** Tells of what goes wrong from now on those that understand it; returns what ends that. */
export function overhearIncidents({ source, redaction, viewers, share }: IncidentsSetting): () => void {
  /** Described once for all, and only if there is time and room: very many connections may crash at once. */
  const tell = (describe: () => IncidentFrame): void => {
    let text: string | undefined;
    for (const viewer of [...viewers]) {
      if (!viewer.isExtended) continue;
      if (share.isSpent) viewer.drop();
      else if (viewer.hasRoom()) viewer.send((text ??= share.timed(() => encode(describe()))));
    }
  };
  const redact = redactError(redaction);
  // What the remote side did wrong is said by the runtime, in words of its own.
  const redactOwn = redaction === 'all' ? undefined : redact;
  const ends = [
    source.overhear('connection.crashed', ({ connection, service, state, during, error }) => {
      tell(() => ({
        type: 'troupe.crash',
        at: Date.now(),
        connection: connection.id,
        service,
        sessionId: sessionIdOf(viewers, connection.id),
        state: {
          connection: describeState(state.connection),
          ...(state.machine !== undefined && { machine: describeState(state.machine) }),
        },
        during,
        error: describeError(error, redact),
      }));
    }),
    source.overhear('connection.violated', ({ connection, code, error }) => {
      const { id, service } = connection;
      tell(() => ({
        type: 'troupe.violation',
        at: Date.now(),
        connection: id,
        service,
        code,
        error: describeError(error, redactOwn),
      }));
    }),
    source.overhear('push.dead-lettered', ({ function: name, target, status, bytes, missed }) => {
      tell(() => ({ type: 'troupe.dead-letter', at: Date.now(), function: name, target, status, bytes, missed }));
    }),
    source.overhear('shared.crashed', ({ service, error }) => {
      const callback = `the shared state of service "${service}"`;
      tell(() => ({ type: 'troupe.failure', at: Date.now(), callback, error: describeError(error, redact) }));
    }),
    source.overhear('callback.failed', ({ callback, error }) => {
      tell(() => ({ type: 'troupe.failure', at: Date.now(), callback, error: describeError(error, redact) }));
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** The sessionId of a connection's actor, if anybody watches that. */
function sessionIdOf(viewers: ReadonlySet<Viewer>, connection: string): string | undefined {
  for (const { watched } of viewers) {
    for (const { id, sessionId } of watched.values()) if (id === connection) return sessionId;
  }
  return undefined;
}
