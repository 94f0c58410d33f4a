import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { ServiceSource, Troupe } from 'troupe';
import { bytes, connect } from '../support/client.ts';
import { at, commander, forms, idOf, run, seen } from '../support/forms.ts';
import { serve, type Server } from '../support/server.ts';

const path = '/test/websocket';

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** An application's routes that use the functions from outside, one after another in one request. */
async function answer(troupe: Troupe, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what = '', target = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
  const body = await bodyOf(request);
  const results: Record<string, () => unknown> = {
    connection: () => troupe.pushTextToConnection(target, body),
    'connection-binary': () => troupe.pushBinaryToConnection(target, bytes(body)),
    group: () => troupe.pushTextToGroup(target, body),
    'group-binary': () => troupe.pushBinaryToGroup(target, bytes(body)),
    broadcast: () => troupe.broadcastText(target, body),
    'broadcast-binary': () => troupe.broadcastBinary(target, bytes(body)),
    'remove-name': () => troupe.removeStoredConnection(target),
    'remove-group': () => troupe.removeConnectionGroup(target),
    'retire-group': () => troupe.removeConnectionGroup(target, { retire: true }),
    'close-name': () => troupe.closeStoredConnection(target, 4000, body),
    'close-group': () => troupe.closeConnectionGroup(target, 4001, body),
  };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(await results[what]?.()));
}

async function serveWithRoutes(services: readonly ServiceSource[]): Promise<Server> {
  const late: { troupe?: Troupe } = {};
  const server = await serve(services, {
    http: (request, response) => {
      if (late.troupe !== undefined) void answer(late.troupe, request, response);
    },
  });
  late.troupe = server.troupe;
  return server;
}

async function post(server: Server, what: string, target: string, body = ''): Promise<unknown> {
  const url = server.http(`/${what}/${encodeURIComponent(target)}`);
  const response = await fetch(url, { method: 'POST', body });
  return response.json();
}

describe.each(forms)('an HTTP route beside %s', (form) => {
  it('pushes to a stored connection, removes its name and closes it', async () => {
    const { service } = commander(form, at(path));
    const server = await serveWithRoutes([service]);
    const client = await connect(server.url(path));
    await run(client, 'storeConnection', 'alice');
    await run(client, 'storeConnection', 'ali');

    expect(await post(server, 'connection', 'alice', 'hello')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await post(server, 'connection-binary', 'alice', 'bytes')).toMatchObject({ status: 'delivered' });
    expect(await client.take(2)).toEqual(['hello', bytes('bytes')]);
    expect(await post(server, 'remove-name', 'alice')).toMatchObject({ status: 'ok' });
    expect(await post(server, 'connection', 'alice', 'lost')).toMatchObject({ status: 'unknown', count: 0 });
    expect(await seen(client)).toEqual([]);
    expect(await post(server, 'close-name', 'ali', 'bye')).toMatchObject({ status: 'ok' });
    expect(await client.closed).toEqual({ code: 4000, reason: 'bye' });
  });

  it('pushes to a group, removes and closes it', async () => {
    const { service } = commander(form, at(path));
    const server = await serveWithRoutes([service]);
    const [even, odd] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(even, 'addConnectionToGroup', 'even');
    await run(odd, 'addConnectionToGroup', 'odd');

    expect(await post(server, 'group', 'even', 'for even')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await post(server, 'group-binary', 'odd', 'for odd')).toMatchObject({ count: 1 });
    expect(await even.next()).toBe('for even');
    expect(await odd.next()).toEqual(bytes('for odd'));
    expect(await post(server, 'remove-group', 'odd')).toMatchObject({ status: 'ok' });
    expect(await post(server, 'group', 'odd', 'lost')).toMatchObject({ status: 'unknown' });
    expect(await post(server, 'close-group', 'even', 'over')).toMatchObject({ status: 'ok', count: 1 });
    expect(await even.closed).toEqual({ code: 4001, reason: 'over' });
    expect(await seen(odd)).toEqual([]);
    await run(odd, 'addConnectionToGroup', 'odd');
    expect(await post(server, 'retire-group', 'odd')).toMatchObject({ status: 'ok' });
    await run(odd, 'addConnectionToGroup', 'odd');
    expect(await post(server, 'group', 'odd', 'lost')).toMatchObject({ status: 'unknown' });
  });

  it('broadcasts to a service by name', async () => {
    const { service } = commander(form, at(path));
    const other = commander(form, at('/other/ws'));
    const server = await serveWithRoutes([service, other.service]);
    const [one, two] = [await connect(server.url(path)), await connect(server.url(path))];
    const stranger = await connect(server.url('/other/ws'));
    await idOf(stranger);

    expect(await post(server, 'broadcast', path, 'to all')).toMatchObject({ status: 'delivered', count: 2 });
    expect(await post(server, 'broadcast-binary', path, 'bytes')).toMatchObject({ count: 2 });
    expect(await one.take(2)).toEqual(['to all', bytes('bytes')]);
    expect(await two.take(2)).toEqual(['to all', bytes('bytes')]);
    expect(await seen(stranger)).toEqual([]);
  });
});

describe('a job outside of any request', () => {
  it('pushes through a connection that it was handed', async () => {
    const { capture } = await import('../support/capture.ts');
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    await new Promise<void>((resolve) => {
      setImmediate(() => {
        connection.pushText('from a job');
        resolve();
      });
    });

    expect(await client.next()).toBe('from a job');
  });
});
