/**
 * Who sent an event.
 *
 * The server names the sender where it is an actor. A connection is also given events by what is none, its socket and
 * its timers; the chart of connections has its own types for each, so the type tells.
 */
import type { ConnectionFacts } from './model.ts';
import type { Step } from './watched.ts';

/** Stand for senders that are no actors, among sessionIds, which are never like this. */
export const outside = '';
export const remoteSide = '\u0000remote';

export type ConnectionActor = Pick<ConnectionFacts['actors'][number], 'sessionId' | 'role'>;

const ofRemoteSide = /^(?:ws\.(?:text|binary)|socket\..*|outbound\..*|protocol\.violated|heartbeat\.heard)$/;
const ofItself = /^(?:ws\.idle|heartbeat\.silent|close\.timedOut)$/;
const ofService = /^(?:handler|farewell)\./;

/** The sender's sessionId, {@link remoteSide} or {@link outside}. `actors` are those of the connection looked at. */
export function senderOf({ source, sessionId, event: { type } }: Step, actors: readonly ConnectionActor[]): string {
  if (source !== undefined) return source;
  if (!actors.some((actor) => actor.role === 'lifecycle' && actor.sessionId === sessionId)) return outside;
  if (ofRemoteSide.test(type)) return remoteSide;
  if (ofItself.test(type)) return sessionId;
  const service = ofService.test(type) ? actors.find(({ role }) => role === 'service') : undefined;
  return service?.sessionId ?? outside;
}
