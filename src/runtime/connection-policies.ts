/** What follows when a connection meets one of its limits: what its service chose. */
import type { LiveConnection } from './connection.ts';

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** It was pushed more than it reads. The other policies are the outbox's own matter. */
export function applyOutboundPolicy(connection: LiveConnection): void {
  if (connection.limits.outboundPolicy === 'close') connection.requestClose(TRY_AGAIN_LATER, '');
}

/** It sent more messages than it may. */
export function closeForRate(connection: LiveConnection): void {
  connection.requestClose(POLICY_VIOLATION, 'too many messages');
}
