/**
 * A service for the holders of a token, which expires while they are connected.
 *
 * Programs send it as a header. A page cannot: it offers it as a subprotocol beside the one that is spoken, which alone
 * the server answers with. A minute before the token expires the holder is asked for another; it comes as a message and
 * takes the place of the first.
 */
import { authenticated, defineService, reject, type ServiceDefinition } from 'troupe';
import type { Tokens } from './tokens.ts';

const SPOKEN = 'echo.v1';
const CARRIER = 'bearer.';
const ANOTHER = 'token ';

const INVALID = { headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } };

export function createEcho(tokens: Tokens): ServiceDefinition {
  return defineService({
    basePath: '/jwt',
    webSocketUpgradePath: '/echo',
    subprotocols: [SPOKEN],

    async authenticate({ headers, subprotocols }) {
      const token = carriedBy(headers.authorization, subprotocols);
      if (token === undefined) return reject(401);
      const holder = await tokens.verify(token);
      if (holder === undefined) return reject(401, 'the token is not valid', INVALID);
      return authenticated({ user: holder.user }, holder);
    },

    onOpen(connection) {
      connection.pushText(`hello ${connection.auth.user}`);
    },

    onAuthExpiring(connection, { expiresAt }) {
      connection.pushText(`expiring ${new Date(expiresAt).toISOString()}`);
    },

    async onTextMessage(connection, text) {
      if (!text.startsWith(ANOTHER)) {
        connection.pushText(`${connection.auth.user}: ${text}`);
        return;
      }
      const holder = await tokens.verify(text.slice(ANOTHER.length));
      // The token of somebody else would make this connection, with its names and groups, somebody else's.
      if (holder?.user !== connection.auth.user) {
        connection.pushText('not accepted');
        return;
      }
      connection.refreshAuth({ user: holder.user }, holder);
      connection.pushText('accepted');
    },
  });
}

/** The token of a header `Authorization: Bearer ...`, else of a subprotocol `bearer....`. */
function carriedBy(header: string | undefined, subprotocols: readonly string[]): string | undefined {
  const [, token] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? [];
  return token ?? subprotocols.find((one) => one.startsWith(CARRIER))?.slice(CARRIER.length);
}
