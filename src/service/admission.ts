/** Between the HTTP side, where a handshake waits, and the runtime, which has the service's code judge it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import type { HeaderLine } from './response-headers.ts';

/** A handshake that nothing spoke against so far. */
export interface Handshake {
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  readonly isSecure: boolean;
  readonly clientCertificate: PeerCertificate | undefined;
  readonly subprotocols: readonly string[];
}

/** What was found out about a handshake that is let in. */
export interface Admitted {
  readonly subprotocol: string | undefined;
  readonly params: unknown;
  /** What the schema made of the query; undefined without one. */
  readonly query: unknown;
  readonly auth: unknown;
  /** In ms since 1970. */
  readonly expiresAt: number | undefined;
  /** For the answer 101. */
  readonly headers: readonly HeaderLine[];
}

export type Verdict =
  | { readonly admitted: Admitted }
  | {
      readonly refusal: {
        readonly status: number;
        readonly reason: string;
        readonly headers?: Readonly<Record<string, string>>;
      };
    };

/** Judges the handshakes of one service. */
export interface Admission {
  /** Whether no more may wait now. */
  readonly isFull: boolean;
  /**
   * Begins to judge. `settled` is called once, later than this returns, unless the function that is returned was called
   * before: the remote side is gone.
   */
  begin(handshake: Handshake, settled: (verdict: Verdict) => void): () => void;
}
