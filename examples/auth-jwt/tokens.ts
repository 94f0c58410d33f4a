/**
 * JSON Web Tokens: who somebody is, signed, until when.
 *
 * The key is shared with whoever issues tokens. With an identity provider, `createRemoteJWKSet` of jose takes its
 * place, and the algorithms are the provider's.
 */
import { errors, jwtVerify, SignJWT } from 'jose';

export interface Holder {
  readonly user: string;
  readonly expiresAt: Date;
}

export interface Tokens {
  issue(user: string, lifetimeSeconds: number): Promise<string>;
  /** Whose token it is; `undefined` for one that was not issued here, was altered, or has expired. */
  verify(token: string): Promise<Holder | undefined>;
}

const ALGORITHM = 'HS256';
const ISSUER = 'https://auth.example';
const AUDIENCE = 'https://chat.example';

export function createTokens(secret: Uint8Array): Tokens {
  return {
    issue: (user, lifetimeSeconds) =>
      new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(user)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(new Date(Date.now() + lifetimeSeconds * 1000))
        .sign(secret),

    async verify(token) {
      try {
        // Who signs says what is signed, but not how it is checked: the algorithm is fixed here.
        const { payload } = await jwtVerify(token, secret, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          requiredClaims: ['sub', 'exp'],
        });
        return { user: payload.sub ?? '', expiresAt: new Date((payload.exp ?? 0) * 1000) };
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
