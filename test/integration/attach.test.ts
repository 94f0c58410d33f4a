import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createTroupe, defineService, type Connection, type ServiceSource, type Troupe } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, commander, echo, forms, run, seen, type Form } from '../support/forms.ts';
import { createGate, Inbox } from '../support/inbox.ts';
import { advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';

function greeter(words: string, where = path) {
  return defineService({
    ...at(where),
    onOpen(connection: Connection) {
      connection.pushText(words);
    },
  });
}

async function listening(server: HttpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function troupeOf(services: readonly ServiceSource[]): Troupe {
  const troupe = createTroupe({ services });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
  return troupe;
}

describe("attached to an application's server", () => {
  it('serves the upgrade and leaves every plain request to the application', async () => {
    const http = createServer((_request, response) => {
      response.end('the application');
    });
    const port = await listening(http);
    troupeOf([echo('handlers', at(path))]).attach(http);
    const client = await connect(`ws://127.0.0.1:${port}${path}`);
    client.send('hi');

    expect(await client.next()).toBe('hi');
    expect(await (await fetch(`http://127.0.0.1:${port}/anything`)).text()).toBe('the application');
    expect(await refused(`ws://127.0.0.1:${port}/unknown`)).toMatchObject({ status: 404 });
  });

  it('detaches: upgrades are no longer taken, open connections go on', async () => {
    const http = createServer();
    http.on('upgrade', (_request, socket) => {
      if (http.listenerCount('upgrade') === 1) socket.end('HTTP/1.1 418 I am a teapot\r\ncontent-length: 0\r\n\r\n');
    });
    const port = await listening(http);
    const detach = troupeOf([echo('handlers', at(path))]).attach(http);
    const client = await connect(`ws://127.0.0.1:${port}${path}`);

    detach();

    expect(await refused(`ws://127.0.0.1:${port}${path}`)).toMatchObject({ status: 418 });
    client.send('still here');
    expect(await client.next()).toBe('still here');
  });

  it('takes the upgrades that the application hands over', async () => {
    const troupe = troupeOf([echo('handlers', at(path))]);
    const http = createServer();
    http.on('upgrade', (request, socket, head) => {
      if (request.headers['x-forbidden'] !== undefined) {
        socket.end('HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      troupe.handleUpgrade(request, socket, head);
    });
    const port = await listening(http);
    const client = await connect(`ws://127.0.0.1:${port}${path}`);
    client.send('hi');

    expect(await client.next()).toBe('hi');
    expect(await refused(`ws://127.0.0.1:${port}${path}`, { headers: { 'x-forbidden': 'yes' } })).toMatchObject({
      status: 402,
    });
  });

  it('closes its connections and leaves the server of the application running', async () => {
    const http = createServer((_request, response) => {
      response.end('the application');
    });
    const port = await listening(http);
    const troupe = troupeOf([echo('handlers', at(path))]);
    troupe.attach(http);
    const client = await connect(`ws://127.0.0.1:${port}${path}`);

    await troupe.close({ drain: { timeoutMs: 200 } });

    expect((await client.closed).code).toBe(1001);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the application');
  });

  it('serves two servers at once, as one troupe', async () => {
    const [one, two] = [createServer(), createServer()];
    const [portOne, portTwo] = [await listening(one), await listening(two)];
    const { service } = commander('handlers', at(path));
    const troupe = troupeOf([service]);
    troupe.attach(one);
    troupe.attach(two);
    const here = await connect(`ws://127.0.0.1:${portOne}${path}`);
    const there = await connect(`ws://127.0.0.1:${portTwo}${path}`);

    expect((await run(here, 'broadcastText', 'both')).received).toEqual(['both']);
    expect(await seen(there)).toEqual(['both']);
  });
});

describe('services while the server runs', () => {
  it.each(forms)('are attached (%s) and reported', async (form: Form) => {
    const server = await serve([greeter('first')]);
    const attached = watch(server.troupe, 'service.attached');
    expect(await refused(server.url('/late/ws'))).toMatchObject({ status: 404 });

    await server.troupe.attachService(echo(form, at('/late/ws')));

    const client = await connect(server.url('/late/ws'));
    client.send('hi');
    expect(await client.next()).toBe('hi');
    expect(await attached.next()).toMatchObject({ service: '/late/ws' });
  });

  it('cannot take a route that is taken, and the first goes on', async () => {
    const server = await serve([greeter('first')]);

    await expect(async () => server.troupe.attachService(greeter('second'))).rejects.toMatchObject({
      code: 'TROUPE_ROUTE_TAKEN',
    });

    const client = await connect(server.url(path));
    expect(await client.next()).toBe('first');
  });

  it('are detached: refused for newcomers, 1001 for the connected, 404 afterwards', async () => {
    const { service, closes } = commander('handlers', at(path));
    const server = await serve([service, greeter('other', '/other/ws')]);
    const draining = watch(server.troupe, 'service.draining');
    const detached = watch(server.troupe, 'service.detached');
    const [client, other] = [await connect(server.url(path)), await connect(server.url('/other/ws'))];
    await other.next();
    await run(client, 'storeConnection', 'alice');

    await server.troupe.detachService(path, { drain: { timeoutMs: 200 } });

    expect((await client.closed).code).toBe(1001);
    expect(closes.all.map(({ code }) => code)).toEqual([1001]);
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(await refused(server.url(path))).toMatchObject({ status: 404 });
    expect(await draining.next()).toMatchObject({ service: path });
    expect(await detached.next()).toMatchObject({ service: path });
    // The neighbour noticed nothing.
    server.troupe.broadcastText('/other/ws', 'marker');
    expect(await other.next()).toBe('marker');
    // The route is free again.
    await server.troupe.attachService(greeter('again'));
    expect(await (await connect(server.url(path))).next()).toBe('again');
  });

  it('that drain answer 503 and let handlers finish', async () => {
    const clock = new SimulatedClock();
    const gate = createGate();
    const started = new Inbox<string>();
    const told = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection, text: string) {
        started.push(text);
        await gate.opened;
        connection.pushText('finished');
      },
      onDraining(connection: Connection) {
        told.push(connection.id);
      },
    });
    const server = await serve([service, greeter('other', '/other/ws')], { clock });
    const draining = watch(server.troupe, 'service.draining');
    const client = await connect(server.url(path));
    client.send('work');
    await started.next();

    const detached = server.troupe.detachService(path, { drain: { timeoutMs: 60_000 } });
    await draining.next();
    const refusal = await refused(server.url(path));
    expect(refusal.status).toBe(503);
    expect(refusal.headers['retry-after']).toBeDefined();
    expect(await (await connect(server.url('/other/ws'))).next()).toBe('other');
    gate.open();
    await advanceUntil(clock, detached);

    expect(await client.untilClosed()).toEqual(['finished']);
    expect((await client.closed).code).toBe(1001);
    expect(told.all).toHaveLength(1);
  });

  it('that are not there cannot be detached: the error lists what is', async () => {
    const server = await serve([greeter('first')]);

    await expect(async () => server.troupe.detachService('/no/such')).rejects.toThrow(path);
    await server.troupe.detachService(path, { drain: { timeoutMs: 100 } });
    await expect(async () => server.troupe.detachService(path)).rejects.toMatchObject({
      code: expect.stringMatching(/^TROUPE_/) as string,
    });
  });

  it('are replaced: newcomers meet the new one, the old connections drain', async () => {
    const server = await serve([greeter('old')]);
    const old = await connect(server.url(path));
    expect(await old.next()).toBe('old');

    await server.troupe.replaceService(greeter('new'), { drain: { timeoutMs: 200 } });

    // To those who were connected it is a restart of their service.
    expect((await old.closed).code).toBe(1012);
    const fresh = await connect(server.url(path));
    expect(await fresh.next()).toBe('new');
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 1 });
    expect(await fresh.next()).toBe('x');
  });
});
