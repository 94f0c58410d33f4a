/** Other programs on the same server, and promises of other makes: what a second review found. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTroupe, defineService, type Connection } from 'troupe';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { connect } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';

const echo = defineService({
  basePath: '/ours',
  onTextMessage: (connection: Connection, text: string) => void connection.pushText(text),
});

it.each(['before', 'after'])(
  'a WebSocket server of ws, attached %s, and a Troupe keep out of each other',
  async (when) => {
    // The other server answered 400 into connections that were ours.
    const application = createServer();
    const troupe = createTroupe({ services: [echo] });
    if (when === 'after') troupe.attach(application);
    const neighbour = new WebSocketServer({ server: application, path: '/theirs' });
    neighbour.on('connection', (socket) => socket.on('message', () => socket.send('from theirs')));
    if (when === 'before') troupe.attach(application);
    application.listen(0, '127.0.0.1');
    await once(application, 'listening');
    onTestFinished(async () => {
      for (const socket of neighbour.clients) socket.terminate();
      await troupe.close();
      application.close();
    });
    const url = `ws://127.0.0.1:${(application.address() as AddressInfo).port}`;

    const [ours, theirs] = [await connect(`${url}/ours`), await connect(`${url}/theirs`)];
    ours.send('hello');
    theirs.send('hello');
    expect(await ours.next()).toBe('hello');
    expect(await theirs.next()).toBe('from theirs');
  },
);

it('a promise whose then throws ends its connection with 1011 like any failure', async () => {
  // It was left with 1006, unreported, and onClose came only when the time for closing was over.
  const failing = defineService({
    basePath: '/failing',
    onTextMessage: () =>
      Object.assign(Promise.resolve(), {
        // oxlint-disable-next-line unicorn/no-thenable -- that is what the test is about
        then() {
          throw new Error('no promise');
        },
      }),
  });
  const server = await serve([failing]);
  const crashed = watch(server.troupe, 'connection.crashed');
  const client = await connect(server.url('/failing'));
  client.send('go');

  expect(await client.closed).toMatchObject({ code: 1011 });
  expect(await crashed.next()).toMatchObject({ during: 'ws.text' });
});
