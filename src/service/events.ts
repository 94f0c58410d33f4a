/**
 * What a service is told of a connection. A machine receives these events; the
 * handlers `onOpen`, `onTextMessage` and so on are called for them.
 *
 * The remote side chooses a payload, never an event's type: whatever it sends
 * arrives as the `text` or the `data` of one of these.
 *
 * `Auth` is what `authenticate` of the service finds out.
 */
export type WsEvent<Auth = unknown> =
  | { readonly type: 'ws.open' }
  | { readonly type: 'ws.text'; readonly text: string }
  | { readonly type: 'ws.binary'; readonly data: Uint8Array }
  | { readonly type: 'ws.close'; readonly code: number; readonly reason: string }
  /** Nothing was received for `idleTimeoutMs`. */
  | { readonly type: 'ws.idle' }
  /** The remote side broke the protocol, or a handler failed; the connection is being closed. */
  | { readonly type: 'ws.error'; readonly error: unknown }
  /** Another connection was stored under this name, which was this connection's until then. */
  | { readonly type: 'ws.replaced'; readonly name: string }
  /** The service or the server is about to stop; the connection will be closed soon. */
  | { readonly type: 'ws.draining' }
  /** `auth` expires soon, at `expiresAt` (ms since 1970); unless it is refreshed, the connection is closed then. */
  | { readonly type: 'ws.auth.expiring'; readonly expiresAt: number }
  /** `auth` was put in the place of the one that there was, whoever did it; it holds until `expiresAt`, if it ends. */
  | { readonly type: 'ws.auth.renewed'; readonly auth: Auth; readonly expiresAt: number | undefined };

/** What the behaviour of a service is handed: the same, and what its declared messages add. */
export type ServiceEvent =
  | WsEvent
  | {
      readonly type: 'ws.message';
      readonly message: Readonly<Record<string, unknown>>;
    }
  /** A request of the machine, in that of its lives, was answered with `data`, or not, for the reason `error`. */
  | {
      readonly type: 'ws.reply';
      readonly request: string;
      readonly life: number;
      readonly data?: unknown;
      readonly error?: unknown;
    };

/** The kinds of events that a service may leave unhandled. */
export type WsEventType = ServiceEvent['type'];

/** @internal All events of connections that a machine may handle. */
export const wsEventTypes = [
  'ws.open',
  'ws.text',
  'ws.binary',
  'ws.close',
  'ws.error',
  'ws.idle',
  'ws.replaced',
  'ws.draining',
  'ws.auth.expiring',
  'ws.auth.renewed',
] as const satisfies readonly WsEvent['type'][];

/** @internal Whether an event descriptor of XState (`ws.text`, `ws.*`, `*`) matches `type`. */
export function describes(descriptor: string, type: string): boolean {
  if (descriptor === type || descriptor === '*') return true;
  return descriptor.endsWith('.*') && type.startsWith(descriptor.slice(0, -1));
}
