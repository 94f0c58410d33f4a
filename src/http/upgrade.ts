/**
 * Decides about upgrades, in the order in which a stranger's request should be
 * judged: is it a handshake, is there a service, is the service open to it, may
 * this page connect, is there a common subprotocol. Only then is 101 answered.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { checkHandshake, offeredSubprotocols } from './handshake.ts';
import { isOriginAllowed, type AllowedOrigins } from './origin.ts';
import { refuse, type Refusal } from './refusal.ts';
import type { Match } from './router.ts';

/** A service, as far as an upgrade is concerned. */
export interface UpgradeTarget {
  readonly subprotocols: readonly string[];
  readonly isSubprotocolRequired: boolean;
  readonly allowedOrigins: AllowedOrigins | undefined;
  /** Whether one more connection is accepted now. */
  readonly isAccepting: boolean;
  /**
   * What speaks against the request, if this is no service but something that decides for itself: the limits of the
   * server, its draining and its origins are then nothing to it.
   */
  judge?(request: IncomingMessage): Refusal | undefined;
  /** Answers 101 and takes the connection over. MUST listen for the errors of the stream when it returns. */
  accept(upgrade: CheckedUpgrade): void;
}

/** An upgrade that nothing speaks against. */
export interface CheckedUpgrade {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly head: Uint8Array;
  readonly params: Readonly<Record<string, string>>;
  readonly subprotocol: string | undefined;
  readonly url: string;
  readonly remoteAddress: string;
  readonly isSecure: boolean;
}

/** MUST call `judge` once, at once. */
export type UpgradeTrace = (request: IncomingMessage, judge: () => void) => void;

/** Where upgrades are decided. */
export interface UpgradeDesk {
  /** Whether the server takes connections at all now. */
  readonly isAccepting: boolean;
  find(path: string): Match<UpgradeTarget> | undefined;
  refused(refusal: Refusal, path: string, remoteAddress: string, request: IncomingMessage): void;
  /** Wants to be there while an upgrade is decided. Absent when nobody does. */
  readonly trace?: UpgradeTrace | undefined;
  /** The upgrade could not be carried out, because the stream was upgraded before for example. */
  acceptFailed(error: unknown, request: IncomingMessage): void;
}

/** Seconds after which a refused program may try again: about as long as a restart takes. */
const RETRY_AFTER = '5';

/** Accepts or refuses an upgrade. Never throws; whatever fails, the stream is not left open. */
export function handleUpgrade(desk: UpgradeDesk, request: IncomingMessage, stream: Duplex, head: Uint8Array): void {
  const { trace } = desk;
  if (trace === undefined) judge(desk, request, stream, head);
  else trace(request, () => judge(desk, request, stream, head));
}

/** Never throws either. */
function judge(desk: UpgradeDesk, request: IncomingMessage, stream: Duplex, head: Uint8Array): void {
  const url = request.url ?? '/';
  const path = pathOf(url);
  const remoteAddress = request.socket.remoteAddress ?? '';

  const refuseWith = (refusal: Refusal): void => {
    // Nobody else listens: a reset by the remote side must not become an uncaught error.
    stream.on('error', ignore);
    desk.refused(refusal, path, remoteAddress, request);
    refuse(stream, refusal);
  };

  const match = desk.find(path);
  const refusal = checkHandshake(request) ?? checkTarget(desk, match, request);
  if (refusal !== undefined || match === undefined) {
    refuseWith(refusal ?? noService);
    return;
  }
  const subprotocol = offeredSubprotocols(request.headers)?.find((offer) => match.value.subprotocols.includes(offer));
  if (subprotocol === undefined && match.value.isSubprotocolRequired) {
    refuseWith({
      status: 400,
      reason: `one of these subprotocols is required: ${match.value.subprotocols.join(', ')}`,
    });
    return;
  }
  const isSecure = (request.socket as Partial<TLSSocket>).encrypted === true;
  try {
    match.value.accept({ request, stream, head, params: match.params, subprotocol, url, remoteAddress, isSecure });
  } catch (error) {
    stream.on('error', ignore);
    desk.acceptFailed(error, request);
    stream.destroy();
  }
}

function ignore(): void {}

const noService: Refusal = { status: 404, reason: 'there is no WebSocket service at this path' };

function checkTarget(
  desk: UpgradeDesk,
  match: Match<UpgradeTarget> | undefined,
  request: IncomingMessage,
): Refusal | undefined {
  if (match === undefined) return noService;
  if (match.value.judge !== undefined) return match.value.judge(request);
  if (!desk.isAccepting || !match.value.isAccepting) {
    return {
      status: 503,
      reason: 'no connection is accepted now; try again later',
      headers: { 'Retry-After': RETRY_AFTER },
    };
  }
  if (!isOriginAllowed(request.headers, match.value.allowedOrigins)) {
    return { status: 403, reason: 'pages of this origin may not connect' };
  }
  return undefined;
}

/** The path of a request target, without its query; also of the absolute form that a proxy may send. */
export function pathOf(url: string): string {
  const target = url.startsWith('/') ? url : URL.canParse(url) ? new URL(url).pathname : url;
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}
