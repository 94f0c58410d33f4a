/** Events of a connection that carry nothing: one object each, for all connections. */
import type { ServiceEvent } from '../service/events.ts';

const HANDLER_SETTLED = { type: 'handler.settled' } as const;
const FAREWELL_SETTLED = { type: 'farewell.settled' } as const;
export const RESTART_DUE = { type: 'restart.due' } as const;
export const CLOSE_TIMED_OUT = { type: 'close.timedOut' } as const;
export const SILENT = { type: 'heartbeat.silent' } as const;
export const HEARD = { type: 'heartbeat.heard' } as const;
export const OPEN = { type: 'ws.open' } as const;
export const IDLE = { type: 'ws.idle' } as const;
export const AUTH_EXPIRING = { type: 'auth.expiring' } as const;
export const AUTH_EXPIRED = { type: 'auth.expired' } as const;
export const AUTH_REFRESHED = { type: 'auth.refreshed' } as const;
export const DRAINING = { type: 'ws.draining' } as const;

/** What the chart is told when the handler of `type` has settled. */
export function settledBy(type: ServiceEvent['type']): typeof HANDLER_SETTLED | typeof FAREWELL_SETTLED {
  return type === 'ws.close' ? FAREWELL_SETTLED : HANDLER_SETTLED;
}
