/**
 * How the slow-consumer policies use the socket.
 *
 * With `close` and `drop` all that was taken is with the socket, and at the
 * high-water mark nothing more is taken. But what a socket has cannot be taken
 * back. So the policies that choose among what waits hand the socket no more than
 * keeps it busy, and hold the rest back (`backlog.ts`).
 */
import type { OutboundPolicy } from './contract.ts';

/** How much an outbox may hold, and what it does beyond. */
export interface OutboxSetting {
  readonly policy: OutboundPolicy;
  readonly highWaterMarkBytes: number;
  readonly hardCapBytes: number;
  /** A socket that has so much left to write is handed nothing more before that is written. */
  readonly holdAtBytes: number;
}

/** The limits of a service that concern its outboxes. */
export interface OutboundLimits {
  readonly outboundPolicy: OutboundPolicy;
  readonly highWaterMarkBytes: number;
  readonly hardCapBytes: number;
}

/** From so much on a socket tells when it has written all of it: `Socket.onDrain`. */
const BUSY_BYTES = 65_536;

/** Whether what waits may still be dropped. */
export function holdsBack(policy: OutboundPolicy): boolean {
  return policy === 'drop-oldest' || policy === 'latest';
}

export function outboxSetting({ outboundPolicy, highWaterMarkBytes, hardCapBytes }: OutboundLimits): OutboxSetting {
  return {
    policy: outboundPolicy,
    highWaterMarkBytes,
    hardCapBytes,
    holdAtBytes: holdsBack(outboundPolicy) ? BUSY_BYTES : highWaterMarkBytes,
  };
}
