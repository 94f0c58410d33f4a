/**
 * One node of several. Start as many as there are to be, each with a port of its own:
 *
 *     REDIS_URL=redis://127.0.0.1:6379 PORT=9091 npx tsx --conditions=troupe-source examples/many-nodes/server.ts
 */
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { closeOnSignals, createTroupe, type Troupe } from 'troupe';
import type { Backplane } from 'troupe/backplane';
import { redis } from 'troupe/redis';
import { isMain } from '../main.ts';
import { people } from './service.ts';

/** A node, and a server of its own for it and for the probes of whoever runs it. */
export function createNode(backplane: Backplane): { readonly troupe: Troupe; readonly server: Server } {
  const troupe = createTroupe({ services: [people], backplane });
  const server = createServer((request, response) => {
    if (request.url !== '/health') {
      response.writeHead(404).end();
      return;
    }
    const { isReady, backplane } = troupe.health();
    response
      .writeHead(isReady ? 200 : 503, { 'content-type': 'application/json' })
      .end(JSON.stringify({ isReady, backplane: backplane?.state }));
  });
  troupe.attach(server);
  troupe.on('server.closed', () => server.close());
  return { troupe, server };
}

if (isMain(import.meta.url)) {
  const { REDIS_URL = 'redis://127.0.0.1:6379', PORT = '9090' } = process.env;
  const { troupe, server } = createNode(redis({ url: REDIS_URL, prefix: 'people' }));
  closeOnSignals(troupe);
  troupe.on('backplane.connected', () => console.log('connected to the other nodes'));
  troupe.on('backplane.lost', () => console.log('cut off from the other nodes; those who are here go on'));
  server.listen(Number(PORT), '127.0.0.1', () => console.log(`ws://127.0.0.1:${PORT}/people/{name}`));
}
