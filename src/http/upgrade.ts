/**
 * Decides about upgrades, in the order in which a stranger's request should be
 * judged: is it a handshake, is there a service, is the service open to it, may
 * this page connect, is there a common subprotocol. Only then is 101 answered: at
 * once, or when the service has judged the handshake itself.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Admission, Admitted, Handshake, Verdict } from '../service/admission.ts';
import { clientCertificateOf } from './client-certificate.ts';
import { checkHandshake, offeredSubprotocols } from './handshake.ts';
import { isOriginAllowed, type AllowedOrigins } from './origin.ts';
import { refuse, type Refusal } from './refusal.ts';
import type { Match } from './router.ts';
import { awaitVerdict } from './waiting-upgrade.ts';

/** A service, as far as an upgrade is concerned. */
export interface UpgradeTarget {
  readonly subprotocols: readonly string[];
  readonly isSubprotocolRequired: boolean;
  readonly allowedOrigins: AllowedOrigins | undefined;
  /** Whether one more connection is accepted now. */
  readonly isAccepting: boolean;
  /** Whether one more from that address is. */
  hasRoomFor(remoteAddress: string): boolean;
  /** In how many ms it may accept again, if it knows. */
  readonly retryAfterMs?: number | undefined;
  /**
   * What speaks against the request, if this is no service but something that decides for itself: the limits of the
   * server, its draining and its origins are then nothing to it.
   */
  judge?(request: IncomingMessage): Refusal | undefined;
  /** Judges handshakes in its own time, with the service's own code; undefined: there is nothing more to judge. */
  readonly admission?: Admission | undefined;
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
  /** What was found out, if the service has an {@link Admission}. */
  readonly admitted?: Admitted;
}

/** MUST call `judge` once, at once. */
export type UpgradeTrace = (request: IncomingMessage, judge: () => void) => void;

/** Where upgrades are decided. */
export interface UpgradeDesk {
  /** Whether the server takes connections at all now. */
  readonly isAccepting: boolean;
  /** The server is closing for good: a service that is no longer there may have been a moment ago. */
  readonly isLeaving?: boolean;
  find(path: string): Match<UpgradeTarget> | undefined;
  /** Where the request comes from. */
  addressOf(request: IncomingMessage): string;
  refused(refusal: Refusal, path: string, remoteAddress: string, request: IncomingMessage): void;
  /** The remote side went away before it was answered. */
  abandoned(request: IncomingMessage): void;
  /** Wants to be there while an upgrade is decided. Absent when nobody does. */
  readonly trace?: UpgradeTrace | undefined;
  /** The upgrade could not be carried out, because the stream was upgraded before for example. */
  acceptFailed(error: unknown, request: IncomingMessage): void;
}

/** Seconds after which a refused program may try again: about as long as a restart takes. */
const RETRY_AFTER_MS = 5_000;
const NOT_NOW = 'no connection is accepted now; try again later';

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
  const remoteAddress = desk.addressOf(request);
  const match = desk.find(path);
  const refusal = checkHandshake(request) ?? checkTarget(desk, match, request, remoteAddress);
  if (refusal !== undefined || match === undefined) {
    refuseUpgrade(desk, request, stream, remoteAddress, refusal ?? noServiceAt(desk));
    return;
  }
  const { value: target, params } = match;
  const offered = offeredSubprotocols(request.headers) ?? [];
  const isSecure = (request.socket as Partial<TLSSocket>).encrypted === true;
  const { admission } = target;
  if (admission !== undefined) {
    const { headers } = request;
    const clientCertificate = isSecure ? clientCertificateOf(request.socket as TLSSocket) : undefined;
    const handshake: Handshake = {
      headers,
      url,
      path,
      params,
      remoteAddress,
      isSecure,
      clientCertificate,
      subprotocols: offered,
    };
    judgeUpgrade(desk, match, admission, handshake, { request, stream, head });
    return;
  }
  const subprotocol = offered.find((offer) => target.subprotocols.includes(offer));
  if (subprotocol === undefined && target.isSubprotocolRequired) {
    const reason = `one of these subprotocols is required: ${target.subprotocols.join(', ')}`;
    refuseUpgrade(desk, request, stream, remoteAddress, { status: 400, reason });
    return;
  }
  acceptUpgrade(desk, target, { request, stream, head, params, subprotocol, url, remoteAddress, isSecure });
}

/** Apart from `judge`, so that only services with an admission cost closures. */
function judgeUpgrade(
  desk: UpgradeDesk,
  match: Match<UpgradeTarget>,
  admission: Admission,
  handshake: Handshake,
  raw: Pick<CheckedUpgrade, 'request' | 'stream' | 'head'>,
): void {
  const { url, params, remoteAddress, isSecure } = handshake;
  const { request, stream } = raw;
  const refuseWith = (refusal: Refusal): void => refuseUpgrade(desk, request, stream, remoteAddress, refusal);
  if (admission.isFull) {
    refuseWith(refusalForNow(503, NOT_NOW));
    return;
  }
  const judged = (verdict: Verdict): void => {
    if ('refusal' in verdict) {
      refuseWith(verdict.refusal);
      return;
    }
    // Much may have happened meanwhile: the service may have failed, be draining or no longer there.
    const late = checkTarget(desk, match, request, remoteAddress);
    if (late !== undefined) {
      refuseWith(late);
      return;
    }
    const { admitted } = verdict;
    const { subprotocol } = admitted;
    acceptUpgrade(desk, match.value, { ...raw, params, subprotocol, url, remoteAddress, isSecure, admitted });
  };
  awaitVerdict(stream, admission, handshake, { judged, abandoned: () => desk.abandoned(request) });
}

function acceptUpgrade(desk: UpgradeDesk, target: UpgradeTarget, upgrade: CheckedUpgrade): void {
  try {
    target.accept(upgrade);
  } catch (error) {
    upgrade.stream.on('error', ignore);
    desk.acceptFailed(error, upgrade.request);
    upgrade.stream.destroy();
  }
}

function refuseUpgrade(
  desk: UpgradeDesk,
  request: IncomingMessage,
  stream: Duplex,
  remoteAddress: string,
  refusal: Refusal,
): void {
  // Nobody else listens: a reset by the remote side must not become an uncaught error.
  stream.on('error', ignore);
  desk.refused(refusal, pathOf(request.url ?? '/'), remoteAddress, request);
  refuse(stream, refusal);
}

function ignore(): void {}

const noService: Refusal = { status: 404, reason: 'there is no WebSocket service at this path' };

/** A proxy takes 404 for an answer, and 503 for a reason to ask another server. */
function noServiceAt(desk: UpgradeDesk): Refusal {
  return desk.isLeaving === true ? refusalForNow(503, NOT_NOW) : noService;
}

function checkTarget(
  desk: UpgradeDesk,
  match: Match<UpgradeTarget> | undefined,
  request: IncomingMessage,
  remoteAddress: string,
): Refusal | undefined {
  if (match === undefined) return noServiceAt(desk);
  if (match.value.judge !== undefined) return match.value.judge(request);
  const full = checkRoom(desk, match.value, remoteAddress);
  if (full !== undefined) return full;
  if (!isOriginAllowed(request.headers, match.value.allowedOrigins)) {
    return { status: 403, reason: 'pages of this origin may not connect' };
  }
  return undefined;
}

/** Whether there is room for one more connection. To be asked again when anything was waited for meanwhile. */
function checkRoom(desk: UpgradeDesk, target: UpgradeTarget, remoteAddress: string): Refusal | undefined {
  if (!desk.isAccepting) return refusalForNow(503, NOT_NOW);
  if (!target.isAccepting) return refusalForNow(503, NOT_NOW, target.retryAfterMs);
  if (target.hasRoomFor(remoteAddress)) return undefined;
  return refusalForNow(429, 'there are too many connections from this address; try again later');
}

function refusalForNow(status: number, reason: string, retryAfterMs = RETRY_AFTER_MS): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return { status, reason, headers: { 'Retry-After': String(seconds) } };
}

/** The path of a request target, without its query; also of the absolute form that a proxy may send. */
export function pathOf(url: string): string {
  const target = url.startsWith('/') ? url : URL.canParse(url) ? new URL(url).pathname : url;
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}
