/** Troupe beside Fastify 5. Fastify owns the server; Troupe is closed by its `preClose` hook, before the port goes. */
import type { Server } from 'node:http';
import Fastify from 'fastify';
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

  const app = Fastify({ bodyLimit: 64 * 1024 });
  // Every body is text here, JSON included: it is passed on, not read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.get('/', (_request, reply) => reply.type('text/plain').send('fastify\n'));
  app.addHook('onRequest', async (request, reply) => {
    if (!isSameOrigin(request.headers.origin, request.headers.host)) return reply.code(403).send();
  });
  app.post<{ Params: { name: string }; Body: string | undefined }>('/notify/:name', async (request, reply) => {
    const { name } = request.params;
    if (!isName(name) || !request.body) return reply.code(400).send();
    const delivery = await troupe.pushTextToConnection(toStored(name), request.body);
    return reply.code(delivery.status === 'unknown' ? 404 : 202).send(delivery);
  });

  troupe.attach(app.server);
  app.addHook('preClose', () => troupe.close());
  const url = await app.listen({ port, host });
  return { server: app.server, troupe, url, close: () => app.close() };
}

if (isMain(import.meta.url)) {
  const { url } = await start({ port: Number(process.env['PORT'] ?? 9090), host: '127.0.0.1' });
  console.log(`Listening on ${url}; try ${url.replace('http', 'ws')}/test/websocket`);
}
