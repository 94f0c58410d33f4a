import { once } from 'node:events';
import { WebSocket } from 'ws';
import { createTroupe, defineService, serviceSetup } from 'troupe';

/** Serves, talks, closes. That the process then ends shows that nothing keeps it alive. */
const machine = serviceSetup().createMachine({
  initial: 'waiting',
  states: { waiting: { after: { 3_600_000: 'late' } }, late: {} },
  on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'hi' } } } },
});
const troupe = createTroupe({
  services: [
    defineService({ basePath: '/machine', webSocketUpgradePath: '/ws', machine }),
    defineService({
      basePath: '/test',
      webSocketUpgradePath: '/websocket',
      limits: { idleTimeoutMs: 3_600_000 },
      onTextMessage(connection, text) {
        connection.pushText(text);
      },
    }),
  ],
});
const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
for (const path of ['/machine/ws', '/test/websocket', '/test/websocket']) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(socket, 'open');
  socket.send('x');
  await once(socket, 'message');
}
await troupe.close({ drain: { timeoutMs: 500 } });
process.stdout.write('closed\n');
