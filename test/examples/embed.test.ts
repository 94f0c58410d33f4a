import { describe, expect, onTestFinished, test } from 'vitest';
import { start as startExpress } from '../../examples/embed-express/server.ts';
import { start as startFastify } from '../../examples/embed-fastify/server.ts';
import { start as startHono } from '../../examples/embed-hono/server.ts';
import { start as startNodeHttp } from '../../examples/embed-node-http/server.ts';
import { connect, refused } from '../support/client.ts';

const examples = {
  'node:http': startNodeHttp,
  express: startExpress,
  fastify: startFastify,
  hono: startHono,
};

describe.each(Object.entries(examples))('under %s', (name, start) => {
  async function run() {
    const running = await start({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => running.close());
    return { ...running, webSocketUrl: running.url.replace('http', 'ws') };
  }

  test('the application answers HTTP as before, on the same port', async () => {
    const { url } = await run();
    const home = await fetch(url);
    expect([home.status, await home.text()]).toEqual([200, `${name}\n`]);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  test('a service answers WebSockets', async () => {
    const { webSocketUrl } = await run();
    const client = await connect(`${webSocketUrl}/test/websocket`);
    expect(await client.next()).toMatch(/joined$/);
    client.send('echo');
    expect(await client.next()).toBe('echo');
  });

  test('an unknown path is refused with 404 before the upgrade', async () => {
    const { webSocketUrl } = await run();
    expect((await refused(`${webSocketUrl}/nothing`)).status).toBe(404);
  });

  test('a route of the application pushes to a stored connection', async () => {
    const { url, webSocketUrl } = await run();
    const client = await connect(`${webSocketUrl}/orders/updates`);
    await client.next();
    client.send('alice');
    expect(await client.next()).toBe('Watching "alice".');

    const answer = await fetch(`${url}/notify/alice`, { method: 'POST', body: 'ready' });
    expect([answer.status, await answer.json()]).toEqual([202, { status: 'delivered', count: 1 }]);
    expect(await client.next()).toBe('ready');
    expect((await fetch(`${url}/notify/bob`, { method: 'POST', body: 'ready' })).status).toBe(404);
  });

  test('the route passes JSON on as text, and refuses what it cannot push', async () => {
    const { url, webSocketUrl } = await run();
    const client = await connect(`${webSocketUrl}/orders/updates`);
    await client.next();
    client.send('alice');
    await client.next();

    const headers = { 'content-type': 'application/json' };
    const post = (path: string, body: string, more = {}) =>
      fetch(`${url}${path}`, { method: 'POST', body, headers: { ...headers, ...more } });
    expect((await post('/notify/alice', '')).status).toBe(400);
    expect((await post('/notify/a%20b', 'x')).status).toBe(400);
    expect((await post('/notify/alice', 'x'.repeat(70_000))).status).toBe(413);
    expect((await post('/notify/alice', 'x', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await post('/notify/alice', '{"order": 7}')).status).toBe(202);
    expect(await client.next()).toBe('{"order": 7}');
  });

  test('closing says 1001 to the connections and frees the port', async () => {
    const { webSocketUrl, url, close } = await run();
    const client = await connect(`${webSocketUrl}/test/websocket`);
    const [{ code }] = await Promise.all([client.closed, close()]);
    expect(code).toBe(1001);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});
