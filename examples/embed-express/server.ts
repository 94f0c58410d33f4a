/** Troupe beside Express 5: routes push to connections by name, the services serve WebSockets on the same port. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createTroupe, type Troupe } from 'troupe';
import { HelloWorld } from '../hello/service.ts';
import { isMain } from '../main.ts';
import { isName, toStored } from '../orders/names.ts';
import { isSameOrigin } from '../orders/origin.ts';
import { orders } from '../orders/service.ts';

export interface Running {
  server: Server;
  troupe: Troupe;
  url: string;
  close: () => Promise<void>;
}

export async function start({ port, host }: { port: number; host: string }): Promise<Running> {
  const troupe = createTroupe({ services: [HelloWorld, orders] });

  const app = express();
  app.get('/', (_request, response) => {
    response.type('text').send('express\n');
  });
  app.use((request, response, next) => {
    if (isSameOrigin(request.headers.origin, request.headers.host)) next();
    else response.sendStatus(403);
  });
  app.post('/notify/:name', express.text({ type: () => true, limit: '64kb' }), async (request, response) => {
    const { name } = request.params;
    const text: unknown = request.body;
    if (!isName(name) || typeof text !== 'string' || text === '') return response.sendStatus(400);
    const delivery = await troupe.pushTextToConnection(toStored(name), text);
    return response.status(delivery.status === 'unknown' ? 404 : 202).json(delivery);
  });

  const server = createServer(app);
  troupe.attach(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    server,
    troupe,
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      await troupe.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (isMain(import.meta.url)) {
  const { url } = await start({ port: Number(process.env['PORT'] ?? 9090), host: '127.0.0.1' });
  console.log(`Listening on ${url}; try ${url.replace('http', 'ws')}/test/websocket`);
}
