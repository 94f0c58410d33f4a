/**
 * Troupe beside an application's own node:http server: one port, the
 * application's routes as they were, WebSockets where the services say.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTroupe, type Troupe } from 'troupe';
import { HelloWorld } from '../hello/service.ts';
import { isMain } from '../main.ts';
import { orderRoutes } from '../orders/http.ts';
import { orders } from '../orders/service.ts';

export interface Running {
  server: Server;
  troupe: Troupe;
  url: string;
  close: () => Promise<void>;
}

export async function start({ port, host }: { port: number; host: string }): Promise<Running> {
  const troupe = createTroupe({ services: [HelloWorld, orders] });
  const routes = orderRoutes(troupe);
  const server = createServer((request, response) => {
    if (routes(request, response)) return;
    response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/plain' });
    response.end(request.url === '/' ? 'node:http\n' : 'not found\n');
  });
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
