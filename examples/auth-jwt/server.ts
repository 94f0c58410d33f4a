/**
 * The service beside a route that issues tokens: `POST /jwt/token` with a name as its body.
 *
 * Whoever asks is whom they say: a real issuer would ask for more than a name.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { closeOnSignals, createTroupe, type Troupe } from 'troupe';
import { isMain } from '../main.ts';
import { readText, Refusal } from '../orders/body.ts';
import { createEcho } from './service.ts';
import { createTokens, type Tokens } from './tokens.ts';

const LIFETIME_SECONDS = 300;

export async function start(address: { port: number; host: string }): Promise<{ troupe: Troupe; url: string }> {
  const secret = process.env['JWT_SECRET'];
  const tokens = createTokens(secret === undefined ? randomBytes(32) : Buffer.from(secret));
  const troupe = createTroupe({
    services: [createEcho(tokens)],
    http(request, response) {
      issue(tokens, request, response).catch((error: unknown) => {
        response.writeHead(error instanceof Refusal ? error.status : 500).end();
      });
    },
  });
  const { url } = await troupe.listen(address);
  return { troupe, url };
}

async function issue(tokens: Tokens, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/jwt/token') {
    response.writeHead(404).end('POST a name to /jwt/token\n');
    return;
  }
  const token = await tokens.issue(await readText(request), LIFETIME_SECONDS);
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(token);
}

if (isMain(import.meta.url)) {
  const { troupe, url } = await start({ port: Number(process.env['PORT'] ?? 9090), host: '127.0.0.1' });
  closeOnSignals(troupe);
  console.log(`Listening on ${url}; POST a name to /jwt/token, then connect to ${url.replace('http', 'ws')}/jwt/echo`);
}
