/**
 * A service for those who have logged in with a browser, for as long as their session lasts.
 *
 * The browser sends the cookie with the handshake by itself, whatever page asks for it; that the page is one of this
 * server's own is what Troupe checks before. When the session would end, the service looks whether it has been
 * prolonged meanwhile: nobody has to be asked. Logging out ends all connections of the session at once.
 */
import { authenticated, defineService, type ServiceDefinition } from 'troupe';
import type { Session, Sessions } from './sessions.ts';

/** The group of a session's connections. */
export function groupOf({ id }: Session): string {
  return `session ${id}`;
}

export function createLounge(sessions: Sessions): ServiceDefinition {
  const lasting = (session: Session | undefined) => session && authenticated(session, session);

  return defineService({
    basePath: '/lounge',
    authenticate: ({ headers }) => lasting(sessions.of(headers.cookie)),
    // Nobody has to be asked, so the last moment is early enough.
    limits: { expiryWarningMs: 1000 },
    reauthenticate: ({ auth }) => lasting(sessions.get(auth.id)),

    async onOpen(connection) {
      await connection.addConnectionToGroup(groupOf(connection.auth));
      connection.broadcastText(`${connection.auth.user} is here`);
    },

    onTextMessage(connection, text) {
      connection.broadcastText(`${connection.auth.user}: ${text}`);
    },
  });
}
