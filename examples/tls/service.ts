/** A service whose connections are known by their certificates, and end when these do. */
import { authenticated, defineService, reject } from 'troupe';

export const sensors = defineService({
  basePath: '/sensors',

  authenticate({ clientCertificate }) {
    if (clientCertificate === undefined) return reject(401, 'show a certificate');
    const { subject, valid_to: validTo } = clientCertificate;
    // A subject may have several names, or none.
    if (typeof subject.CN !== 'string') return reject(403, 'the certificate has to have one common name');
    return authenticated({ sensor: subject.CN }, { expiresAt: new Date(validTo) });
  },

  onOpen(connection) {
    connection.pushText(`hello ${connection.auth.sensor}`);
  },

  onTextMessage(connection, text) {
    connection.pushText(`${connection.auth.sensor}: ${text}`);
  },
});
