import { closeOnSignals, createTroupe, defineService } from 'troupe';

/** Serves until a signal comes, as the command-line server does. */
const troupe = createTroupe({
  services: [
    defineService({
      basePath: '/test',
      webSocketUpgradePath: '/websocket',
      onTextMessage(connection, text) {
        connection.pushText(text);
      },
    }),
  ],
});
closeOnSignals(troupe, { drain: { timeoutMs: 1_000 } });
const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${port}\n`);
