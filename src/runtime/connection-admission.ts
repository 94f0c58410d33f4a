/**
 * What was found out about a connection in its handshake, and for how long it holds.
 *
 * It is what is due next of the connection's `authentication`, one deadline after the other: first the warning, then
 * the end, then the end of the time for what had still arrived before it. `machines/connection.ts` decides what
 * follows; connections whose `auth` does not expire set no deadline.
 */
import type { Admitted } from '../service/admission.ts';
import { expiryOf, isAuthenticated, isNobody, isRejection, type AuthLifetime } from '../service/auth.ts';
import { onSettled } from '../thenable.ts';
import { AUTH_EXPIRED, AUTH_EXPIRING, AUTH_REFRESHED } from './connection-events.ts';
import type { LiveConnection } from './connection.ts';
import type { LiveService } from './service.ts';
import { Due } from './timer-wheel.ts';

/** IANA's "Unauthorized"; what it means here stands in `close-codes.ts`. */
const UNAUTHORIZED = 3000;
const EXPIRED = 'the authentication has expired';
/** How often in one turn of the event loop: a service that renews whenever it is told must not hold up all others. */
const MOST_TOLD = 8;

export class ConnectionAdmission extends Due {
  readonly params: unknown;
  /** What the schema made of the query; undefined without one. */
  readonly query: unknown;
  auth: unknown;
  readonly #service: LiveService;
  #connection: LiveConnection | undefined;
  #expiresAt: number | undefined;
  /** How long after the warning it expires; `undefined` once the connection was warned. */
  #leadMs: number | undefined;
  /** How often another `auth` was put in place. */
  #refreshes = 0;
  /** The service is yet to be told of the `auth` that there is now. */
  #isTellingDue = false;
  #toldInThisTurn = 0;

  constructor(service: LiveService, { params, query, auth, expiresAt }: Admitted) {
    super(service.realm.wheel);
    this.#service = service;
    this.params = params;
    this.query = query;
    this.auth = auth;
    this.#expiresAt = expiresAt;
  }

  /** Whether there is an `auth` at all that could be refreshed. */
  get isAuthenticated(): boolean {
    return this.#service.definition.handshake?.authenticate !== undefined;
  }

  /** Begins to watch over the time. */
  start(connection: LiveConnection): void {
    this.#connection = connection;
    this.#expect();
  }

  /** Puts `auth` in the place of the one that there is. @throws {TroupeTypeError} for a time that is none */
  refresh(auth: unknown, lifetime: AuthLifetime): void {
    this.#put(auth, expiryOf(lifetime));
  }

  override meet(): void {
    if (this.#leadMs === undefined) {
      // Twice: at the end, and when what had arrived before it has had its time.
      this.set(this.#service.limits.closeTimeoutMs);
      this.#connection?.actor.deliver(AUTH_EXPIRED);
    } else {
      this.set(this.#leadMs);
      this.#leadMs = undefined;
      this.#connection?.actor.deliver(AUTH_EXPIRING);
    }
  }

  // What its connection's chart needs.

  /** It expires soon: the service may know better. */
  renew(connection: LiveConnection): void {
    const { definition, realm } = this.#service;
    const reauthenticate = definition.handshake?.reauthenticate;
    if (reauthenticate === undefined) {
      this.#tellExpiring(connection);
      return;
    }
    const refreshes = this.#refreshes;
    const isLate = (): boolean =>
      !connection.isOpen || connection.authentication === 'expired' || this.#refreshes !== refreshes;
    const answered = (answer: unknown): void => {
      if (isLate()) return;
      if (isRejection(answer)) connection.requestClose(UNAUTHORIZED, EXPIRED);
      else if (isNobody(answer)) this.#tellExpiring(connection);
      else if (!isAuthenticated(answer)) this.#put(answer, undefined);
      else if (isLater(answer.expiresAt, this.#expiresAt)) this.#put(answer.auth, answer.expiresAt);
      else {
        // A session that nobody has prolonged: it ends when it would have ended.
        this.auth = answer.auth;
        this.#tellRenewed();
        this.#tellExpiring(connection);
      }
    };
    const failed = (error: unknown): void => {
      realm.events.emit('callback.failed', { callback: `reauthenticate of service "${definition.name}"`, error });
      if (!isLate()) this.#tellExpiring(connection);
    };
    onSettled(() => realm.turns.during(() => reauthenticate(connection)), answered, failed);
  }

  /** It has expired: what arrived before that is still handled, nothing more is read. */
  finish(connection: LiveConnection): void {
    connection.finish(UNAUTHORIZED, EXPIRED);
  }

  /** The time for what had arrived is over as well. */
  close(connection: LiveConnection): void {
    this.cancel();
    connection.requestClose(UNAUTHORIZED, EXPIRED);
  }

  #put(auth: unknown, expiresAt: number | undefined): void {
    this.auth = auth;
    this.#expiresAt = expiresAt;
    this.#refreshes++;
    this.#expect();
    if (this.#connection?.authentication === 'expiring') this.#connection.actor.deliver(AUTH_REFRESHED);
    this.#tellRenewed();
  }

  #expect(): void {
    if (this.#expiresAt === undefined) {
      this.cancel();
      return;
    }
    const leftMs = Math.max(0, this.#expiresAt - Date.now());
    // Of a short life at most the second half, so that a refresh is not followed by the next warning at once.
    this.#leadMs = Math.min(this.#service.limits.expiryWarningMs, leftMs / 2);
    this.set(leftMs - this.#leadMs);
  }

  #tellExpiring(connection: LiveConnection): void {
    if (this.#expiresAt === undefined || !this.#service.handles.has('ws.auth.expiring')) return;
    connection.actor.deliver({ type: 'ws.auth.expiring', expiresAt: this.#expiresAt });
  }

  #tellRenewed(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#isTellingDue || !this.#service.handles.has('ws.auth.renewed')) return;
    this.#isTellingDue = true;
    // It may be the handler of another connection that has put it in place.
    if (this.#toldInThisTurn < MOST_TOLD) this.#service.realm.turns.after(() => this.#deliverRenewed(connection));
  }

  #deliverRenewed(connection: LiveConnection): void {
    this.#isTellingDue = false;
    if (!connection.isOpen) return;
    if (this.#toldInThisTurn++ === 0) {
      setImmediate(() => {
        this.#toldInThisTurn = 0;
        if (this.#isTellingDue) this.#deliverRenewed(connection);
      });
    }
    connection.actor.deliver({ type: 'ws.auth.renewed', auth: this.auth, expiresAt: this.#expiresAt });
  }
}

function isLater(end: number | undefined, than: number | undefined): boolean {
  return end === undefined || (than !== undefined && end > than);
}
