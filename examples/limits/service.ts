/**
 * Prices for strangers: who reads slowly gets the latest of each and no backlog, who sends too fast or too much is turned
 * away, and who says nothing for a minute makes room for others.
 */
import { defineService } from 'troupe';

export const path = '/prices';

export const prices = defineService({
  basePath: path,
  limits: {
    // A price that is a second old interests nobody once there is another one: pushed with its name as the key.
    outboundPolicy: 'latest',
    highWaterMarkBytes: 64 * 1024,
    maxPayload: 1024,
    messageRate: { perSecond: 5, burst: 10, excess: 'close' },
    maxConnectionsPerAddress: 20,
    idleTimeoutMs: 60_000,
  },

  onOpen(connection) {
    connection.addConnectionToGroup('all prices');
  },
  onTextMessage(connection, text) {
    if (text === 'stop') connection.removeConnectionFromGroup('all prices');
    else if (text === 'start') connection.addConnectionToGroup('all prices');
  },
  onIdle(connection) {
    connection.closeConnection(1000, 'nothing was said for a minute');
  },
});

/** What the embedding program calls for each price that it learns of; `functions` is the Troupe. */
export function publish(
  functions: { pushTextToGroup(group: string, text: string, options: { readonly key: string }): unknown },
  name: string,
  cents: number,
): void {
  functions.pushTextToGroup('all prices', JSON.stringify({ name, cents }), { key: name });
}
