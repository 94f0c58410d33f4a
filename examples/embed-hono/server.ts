/** Troupe beside Hono on Node: `serve()` gives the server that Troupe attaches itself to. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
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

  const app = new Hono();
  app.get('/', (context) => context.text('hono\n'));
  app.use(async (context, next) => {
    if (!isSameOrigin(context.req.header('origin'), context.req.header('host'))) return context.body(null, 403);
    return next();
  });
  app.post('/notify/:name', bodyLimit({ maxSize: 64 * 1024 }), async (context) => {
    const name = context.req.param('name');
    const text = await context.req.text();
    if (!isName(name) || text === '') return context.body(null, 400);
    const delivery = await troupe.pushTextToConnection(toStored(name), text);
    return context.json(delivery, delivery.status === 'unknown' ? 404 : 202);
  });

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
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
