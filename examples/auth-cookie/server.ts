/**
 * The service beside two routes: `POST /login` with a name as its body begins a session, `POST /logout` ends it.
 *
 * Whoever asks is whom they say: a real server would ask for more than a name.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { closeOnSignals, createTroupe, type Troupe } from 'troupe';
import { isMain } from '../main.ts';
import { readText, Refusal } from '../orders/body.ts';
import { isSameOrigin } from '../orders/origin.ts';
import { createLounge, groupOf } from './service.ts';
import { cookieOf, Sessions } from './sessions.ts';

const LIFETIME_MS = 30 * 60_000;
const LOGGED_OUT = 4001;

export async function start(address: { port: number; host: string }): Promise<{ troupe: Troupe; url: string }> {
  const sessions = new Sessions(LIFETIME_MS);
  const troupe: Troupe = createTroupe({
    services: [createLounge(sessions)],
    http(request, response) {
      answer(request, response).catch((error: unknown) => {
        response.writeHead(error instanceof Refusal ? error.status : 500).end();
      });
    },
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cookie, origin, host } = request.headers;
    const session = sessions.of(cookie);
    if (!isSameOrigin(origin, host)) {
      response.writeHead(403).end();
    } else if (request.method === 'POST' && request.url === '/login') {
      const begun = sessions.begin(await readText(request));
      response.writeHead(204, { 'set-cookie': cookieOf(begun, false) }).end();
    } else if (request.method === 'POST' && request.url === '/logout') {
      if (session !== undefined) {
        sessions.end(session);
        await troupe.closeConnectionGroup(groupOf(session), LOGGED_OUT, 'logged out');
      }
      response.writeHead(204, { 'set-cookie': cookieOf(undefined, false) }).end();
    } else {
      // Whoever looks at the site is still there.
      const prolonged = session && sessions.prolong(session);
      response.writeHead(200, prolonged && { 'set-cookie': cookieOf(prolonged, false) });
      response.end(`hello ${session?.user ?? 'stranger'}\n`);
    }
  }

  const { url } = await troupe.listen(address);
  return { troupe, url };
}

if (isMain(import.meta.url)) {
  const { troupe, url } = await start({ port: Number(process.env['PORT'] ?? 9090), host: '127.0.0.1' });
  closeOnSignals(troupe);
  console.log(`Listening on ${url}; POST a name to /login, then connect to ${url.replace('http', 'ws')}/lounge`);
}
