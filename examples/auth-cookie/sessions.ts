/**
 * Sessions: a random id in a cookie, everything else on the server.
 *
 * They live in the memory of one process here. In a database they are looked up in the same places.
 */
import { randomBytes } from 'node:crypto';
import { parse, serialize } from 'cookie';

export interface Session {
  readonly id: string;
  readonly user: string;
  /** In ms since 1970. */
  readonly expiresAt: number;
}

const COOKIE = 'session';

export class Sessions {
  readonly #byId = new Map<string, Session>();
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  begin(user: string): Session {
    return this.#keep(randomBytes(32).toString('base64url'), user, this.#lifetimeMs);
  }

  /** The session of a `Cookie` header. */
  of(header: string | undefined): Session | undefined {
    const id = parse(header ?? '')[COOKIE];
    return id === undefined ? undefined : this.get(id);
  }

  get(id: string): Session | undefined {
    const session = this.#byId.get(id);
    if (session === undefined || session.expiresAt > Date.now()) return session;
    this.#byId.delete(id);
    return undefined;
  }

  /** The same session, for so long from now on: somebody has used it. */
  prolong({ id, user }: Session, lifetimeMs = this.#lifetimeMs): Session {
    return this.#keep(id, user, lifetimeMs);
  }

  end({ id }: Session): void {
    this.#byId.delete(id);
  }

  #keep(id: string, user: string, lifetimeMs: number): Session {
    const session = { id, user, expiresAt: Date.now() + lifetimeMs };
    this.#byId.set(id, session);
    return session;
  }
}

/** The `Set-Cookie` header of a session; an empty one takes the cookie away. */
export function cookieOf(session: Session | undefined, isSecure: boolean): string {
  return serialize(COOKIE, session?.id ?? '', {
    path: '/',
    // No script reads it, and no page of another site sends it along.
    httpOnly: true,
    sameSite: 'strict',
    secure: isSecure,
    ...(session === undefined ? { maxAge: 0 } : { expires: new Date(session.expiresAt) }),
  });
}
