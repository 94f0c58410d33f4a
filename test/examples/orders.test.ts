import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { orderRoutes } from '../../examples/orders/http.ts';
import { isSameOrigin } from '../../examples/orders/origin.ts';
import { orders } from '../../examples/orders/service.ts';
import { connect, type Client } from '../support/client.ts';
import { serve, type Server } from '../support/server.ts';

type Routes = ReturnType<typeof orderRoutes>;

async function serveOrders(): Promise<Server> {
  let routes: Routes = () => false;
  const server = await serve([orders], {
    http: (request, response) => {
      if (!routes(request, response)) response.writeHead(404).end();
    },
  });
  routes = orderRoutes(server.troupe);
  return server;
}

async function arrive(server: Server): Promise<Client> {
  const client = await connect(server.url('/orders/updates'));
  expect(await client.next()).toMatch(/^You are connection [\w-]+\. /);
  return client;
}

async function watch(server: Server, name: string): Promise<Client> {
  const client = await arrive(server);
  client.send(name);
  expect(await client.next()).toBe(`Watching "${name}".`);
  return client;
}

async function join(client: Client, group: string): Promise<void> {
  client.send(`join ${group}`);
  expect(await client.next()).toBe(`In group "${group}".`);
}

async function call(server: Server, method: string, path: string, body?: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(server.http(path), { method, ...(body === undefined ? {} : { body }) });
  return { status: response.status, body: (await response.json()) as unknown, headers: response.headers };
}

describe('watching', () => {
  test.each(['alice', 'watch alice', '{"watch":"alice"}', '  alice  '])('%j stores the connection', async (text) => {
    const server = await serveOrders();
    const client = await arrive(server);
    client.send(text);
    expect(await client.next()).toBe('Watching "alice".');
    expect((await call(server, 'POST', '/notify/alice', 'ready')).status).toBe(202);
    expect(await client.next()).toBe('ready');
  });

  test.each([
    '',
    'a b c',
    'dance alice',
    '{"watch":5}',
    '{"watch":"a","join":"b"}',
    '{',
    'null',
    '{"watch":"a/b"}',
    'x'.repeat(65),
  ])('%j is answered with the usage', async (text) => {
    const server = await serveOrders();
    const client = await arrive(server);
    client.send(text);
    const answer = await client.next();
    if (text === 'null') expect(answer).toBe('Watching "null".');
    else expect(answer).toMatch(/^That was not understood/);
  });

  test('the connection before is told that it was replaced, and stays open', async () => {
    const server = await serveOrders();
    const first = await watch(server, 'alice');
    const second = await watch(server, 'alice');
    expect(await first.next()).toMatch(/^Replaced: another connection watches "alice" now/);

    await call(server, 'POST', '/notify/alice', 'for the second');
    expect(await second.next()).toBe('for the second');
    first.send('join kitchen');
    expect(await first.next()).toBe('In group "kitchen".');
  });

  test('one connection watches at most 20 names', async () => {
    const server = await serveOrders();
    const client = await arrive(server);
    for (let n = 1; n <= 20; n += 1) client.send(`name-${n}`);
    await client.take(20);
    client.send('name-21');
    expect(await client.next()).toMatch(/at most 20 names/);
    client.send('name-1');
    expect(await client.next()).toBe('Watching "name-1".');
  });
});

describe('POST /notify/{name}', () => {
  test('answers 202 with the delivery, and the text arrives as it was', async () => {
    const server = await serveOrders();
    const client = await watch(server, 'Zoë');
    const answer = await call(server, 'POST', `/notify/${encodeURIComponent('Zoë')}`, '{"order": 7, "état": "prêt"}');
    expect(answer).toMatchObject({ status: 202, body: { status: 'delivered', count: 1 } });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await client.next()).toBe('{"order": 7, "état": "prêt"}');
  });

  test('answers 404 for a name that nobody watches', async () => {
    const server = await serveOrders();
    const answer = await call(server, 'POST', '/notify/nobody', 'hi');
    expect(answer).toMatchObject({
      status: 404,
      body: { status: 'unknown', error: 'Nothing is known under "nobody".' },
    });
  });

  test.each([
    ['an empty body', '/notify/alice', ''],
    ['bytes that are no UTF-8', '/notify/alice', new Uint8Array([0xff, 0xfe])],
    ['a name that is too long', `/notify/${'x'.repeat(65)}`, 'hi'],
    ['a name with a space', '/notify/a%20b', 'hi'],
    ['no name', '/notify/', 'hi'],
    ['broken percent-encoding', '/notify/%E0%A4%A', 'hi'],
  ])('answers 400 to %s', async (_what, path, body) => {
    const server = await serveOrders();
    const answer = await call(server, 'POST', path, body);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.any(String) as string } });
  });

  test('takes 64 KiB and answers 413 to one byte more', async () => {
    const server = await serveOrders();
    const client = await watch(server, 'alice');
    expect((await call(server, 'POST', '/notify/alice', 'x'.repeat(65_536))).status).toBe(202);
    expect(await client.next()).toHaveLength(65_536);
    expect((await call(server, 'POST', '/notify/alice', 'x'.repeat(65_537))).status).toBe(413);
    expect((await call(server, 'POST', '/notify/alice', 'x'.repeat(900_000))).status).toBe(413);
  });

  test('answers 413 to an endless body before it has ended', async () => {
    const server = await serveOrders();
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(server.http('/notify/alice'), { method: 'POST' }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('x'.repeat(70_000));
    });
    expect(status).toBe(413);
  });

  test.each(['http://evil.example', 'null', 'http://127.0.0.1'])('refuses a page of %s', async (origin) => {
    const server = await serveOrders();
    const client = await watch(server, 'alice');
    const response = await fetch(server.http('/notify/alice'), {
      method: 'POST',
      body: 'spam',
      headers: { origin },
    });
    expect(response.status).toBe(403);
    await call(server, 'POST', '/notify/alice', 'real');
    expect(await client.next()).toBe('real');
  });

  test('takes a page of its own', async () => {
    const server = await serveOrders();
    const client = await watch(server, 'alice');
    const headers = { origin: server.http('') };
    expect((await fetch(server.http('/notify/alice'), { method: 'POST', body: 'hi', headers })).status).toBe(202);
    expect(await client.next()).toBe('hi');
  });

  test('answers 405 with what it takes', async () => {
    const server = await serveOrders();
    const answer = await call(server, 'PUT', '/notify/alice', 'hi');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, DELETE');
  });
});

test('DELETE /notify/{name} forgets the name, and the connection stays', async () => {
  const server = await serveOrders();
  const client = await watch(server, 'alice');
  expect(await call(server, 'DELETE', '/notify/alice')).toMatchObject({
    status: 200,
    body: { status: 'ok' },
  });
  expect((await call(server, 'POST', '/notify/alice', 'lost')).status).toBe(404);
  expect((await call(server, 'DELETE', '/notify/alice')).status).toBe(404);
  await join(client, 'kitchen');
});

describe('groups', () => {
  test('a push reaches each member and nobody else', async () => {
    const server = await serveOrders();
    const [one, two, other] = [await arrive(server), await arrive(server), await arrive(server)];
    await join(one, 'kitchen');
    await join(two, 'kitchen');
    const answer = await call(server, 'POST', '/groups/kitchen', 'soup');
    expect(answer).toMatchObject({ status: 202, body: { status: 'delivered', count: 2 } });
    expect([await one.next(), await two.next()]).toEqual(['soup', 'soup']);
    await join(other, 'marker');
  });

  test('whoever leaves hears no more', async () => {
    const server = await serveOrders();
    const client = await arrive(server);
    await join(client, 'kitchen');
    client.send('leave kitchen');
    expect(await client.next()).toBe('Left group "kitchen".');
    client.send('leave kitchen');
    expect(await client.next()).toBe('Not in group "kitchen".');
    expect(await call(server, 'POST', '/groups/kitchen', 'soup')).toMatchObject({ body: { count: 0 } });
  });

  test('DELETE removes the group; its members stay connected and may join anew', async () => {
    const server = await serveOrders();
    const client = await arrive(server);
    await join(client, 'kitchen');
    expect((await call(server, 'DELETE', '/groups/kitchen')).status).toBe(200);
    expect((await call(server, 'POST', '/groups/kitchen', 'lost')).status).toBe(404);
    expect((await call(server, 'DELETE', '/groups/kitchen')).status).toBe(404);
    await join(client, 'kitchen');
    await call(server, 'POST', '/groups/kitchen', 'again');
    expect(await client.next()).toBe('again');
  });

  test('one connection is in at most 20 groups, removed ones not counted', async () => {
    const server = await serveOrders();
    const client = await arrive(server);
    for (let n = 1; n <= 20; n += 1) await join(client, `group-${n}`);
    client.send('join group-21');
    expect(await client.next()).toMatch(/at most 20 groups/);
    await call(server, 'DELETE', '/groups/group-1');
    await join(client, 'group-21');
  });
});

describe('GET /names and /groups', () => {
  test('list what is stored, in pages', async () => {
    const server = await serveOrders();
    const client = await watch(server, 'alice');
    client.send('bob');
    expect(await client.next()).toBe('Watching "bob".');
    await join(client, 'kitchen');
    const first = await call(server, 'GET', '/names?limit=1');
    expect(first.body).toMatchObject({ items: ['alice'], next: expect.any(String) as string });
    const { next } = first.body as { next: string };
    expect((await call(server, 'GET', `/names?limit=1&after=${next}`)).body).toEqual({ items: ['bob'] });
    expect((await call(server, 'GET', '/groups')).body).toEqual({ items: [{ group: 'kitchen', count: 1 }] });
  });

  test('leave out what belongs to other services', async () => {
    const server = await serveOrders();
    await watch(server, 'alice');
    const [{ id } = { id: '' }] = server.troupe.connections('/orders/updates').items;
    expect(id).not.toBe('');
    expect((await call(server, 'GET', '/names')).body).toEqual({ items: ['alice'] });
    expect(server.troupe.storedNames().items.map(({ name }) => name)).toEqual(['orders:alice']);
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'after=nonsense'])('answer 400 to %s', async (query) => {
    const server = await serveOrders();
    expect((await call(server, 'GET', `/names?${query}`)).status).toBe(400);
  });
});

describe('same origin', () => {
  test.each([
    [undefined, 'localhost:9090', true],
    ['http://localhost:9090', 'localhost:9090', true],
    ['http://LOCALHOST:9090', 'Localhost:9090', true],
    ['https://shop.example', 'shop.example', true],
    ['http://localhost:9091', 'localhost:9090', false],
    ['http://localhost:9090.evil.example', 'localhost:9090', false],
    ['null', 'localhost:9090', false],
    ['', 'localhost:9090', false],
    ['http://localhost:9090', undefined, false],
  ])('origin %s at host %s: %s', (origin, host, expected) => {
    expect(isSameOrigin(origin, host)).toBe(expected);
  });
});
