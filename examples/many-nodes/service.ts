/**
 * Who is where does not matter: people are stored under their names, and talk to each other and to all, on however many
 * nodes. Nothing here knows of nodes; the program that starts it (`server.ts`) names an engine.
 */
import { defineService } from 'troupe';

const EVERYBODY = 'everybody';

export const people = defineService({
  basePath: '/people',
  webSocketUpgradePath: '/{name}',

  async onOpen(connection) {
    const { name } = connection.params;
    // Settled by the engine, whichever nodes contend for the name.
    const stored = await connection.storeConnection(name);
    if (stored.status !== 'ok') {
      connection.closeConnection(1013, 'try again later');
      return;
    }
    await connection.addConnectionToGroup(EVERYBODY);
    connection.pushTextToGroup(EVERYBODY, `${name} is here`);
  },

  // Says `@name text` to one, anything else to all.
  async onTextMessage(connection, text) {
    const { name } = connection.params;
    const [, other, message] = /^@(\S+) (.+)$/s.exec(text) ?? [];
    if (other === undefined || message === undefined) {
      connection.pushTextToGroup(EVERYBODY, `${name}: ${text}`);
      return;
    }
    const { status } = await connection.pushTextToConnection(other, `${name}, to you: ${message}`);
    // `accepted`: on its way to another node.
    if (status !== 'delivered' && status !== 'accepted') connection.pushText(`${other} was not reached: ${status}`);
  },

  // Somebody else came under the same name, here or anywhere.
  onReplaced(connection) {
    connection.closeConnection(4000, 'you are here twice');
  },

  onClose(connection) {
    connection.pushTextToGroup(EVERYBODY, `${connection.params.name} has left`);
  },
});
