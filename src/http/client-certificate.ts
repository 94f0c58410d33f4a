/** Whose certificate an encrypted connection was opened with. */
import type { PeerCertificate, TLSSocket } from 'node:tls';

/** The certificate that the remote side has shown, if it is signed by an authority that the server trusts. */
export function clientCertificateOf(socket: TLSSocket): PeerCertificate | undefined {
  // Where no certificate is asked for, this is false.
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate> | null;
  // OpenSSL calls a resumed session authorised that never had one; it is an empty object then, and null when the
  // remote side has gone.
  return certificate?.raw === undefined ? undefined : (certificate as PeerCertificate);
}
