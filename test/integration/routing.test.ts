import { describe, expect, it } from 'vitest';
import { BasePath, OnTextMessage, TroupeError, WebSocketUpgradePath, createTroupe, defineService } from 'troupe';
import type { Connection } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, echo, forms } from '../support/forms.ts';
import { serve, watch } from '../support/server.ts';

/** A service that greets with its own name: the greeting tells which route won. */
function named(basePath: string, webSocketUpgradePath: string, greeting = `${basePath} ${webSocketUpgradePath}`) {
  return defineService({
    basePath,
    webSocketUpgradePath,
    onOpen(connection: Connection) {
      connection.pushText(greeting);
    },
  });
}

async function greetingAt(url: string) {
  const client = await connect(url);
  return client.next();
}

/** The error of a registration that must fail. */
function errorOf(register: () => unknown): TroupeError {
  try {
    register();
  } catch (error) {
    if (error instanceof TroupeError) return error;
    throw error;
  }
  throw new Error('the registration succeeded');
}

describe('a path', () => {
  it.each([
    ['/test', '/websocket', '/test/websocket'],
    ['test', 'websocket', '/test/websocket'],
    ['/test/', '/websocket/', '/test/websocket'],
    ['/', '/websocket', '/websocket'],
    ['/a/b/c', '/d/e', '/a/b/c/d/e'],
  ])('joins base path %s and upgrade path %s to %s', async (basePath, upgradePath, path) => {
    const server = await serve([named(basePath, upgradePath, 'here')]);

    expect(await greetingAt(server.url(path))).toBe('here');
  });

  it('ignores the query string for matching and hands it to the connection', async () => {
    const service = defineService({
      ...at('/a/b'),
      onOpen(connection: Connection) {
        connection.pushText(`${connection.query.get('user')} ${connection.query.getAll('tag').join()}`);
      },
    });
    const server = await serve([service]);

    expect(await greetingAt(server.url('/a/b?user=J%C3%BCrgen+M&tag=1&tag=2'))).toBe('Jürgen M 1,2');
    expect(await greetingAt(server.url('/a/b?'))).toBe('null ');
  });

  it('binds its {param} segments, decoded, to connection.params', async () => {
    const service = defineService({
      basePath: '/shops/{shop}',
      webSocketUpgradePath: '/orders/{order}',
      onOpen(connection) {
        // Typed from the path: a wrong name would not compile.
        const { shop, order } = connection.params;
        connection.pushText(`${shop} | ${order}`);
      },
    });
    const server = await serve([service]);

    expect(await greetingAt(server.url('/shops/caf%C3%A9%2F1/orders/42'))).toBe('café/1 | 42');
    expect(await greetingAt(server.url('/shops/__proto__/orders/constructor'))).toBe('__proto__ | constructor');
    expect(await refused(server.url('/shops/1/orders'))).toMatchObject({ status: 404 });
    expect(await refused(server.url('/shops/1/orders/2/3'))).toMatchObject({ status: 404 });
  });

  it('with broken percent encoding is refused and harms nobody', async () => {
    const server = await serve([named('/chat', '/{room}', 'a room')]);

    const { status } = await refused(server.url('/chat/%E0%A4%A'));

    expect([400, 404]).toContain(status);
    expect(await greetingAt(server.url('/chat/lobby'))).toBe('a room');
  });

  it('leads to the most specific route, in whatever order the services are listed', async () => {
    const services = [
      named('/chat', '/{room}', 'any room'),
      named('/chat', '/lobby', 'the lobby'),
      named('/{area}', '/lobby', 'any lobby'),
      named('/chat', '/{room}/{seat}', 'any seat'),
      named('/chat', '/lobby/{seat}', 'a lobby seat'),
    ];
    for (const listed of [services, services.toReversed()]) {
      const server = await serve(listed);
      expect(await greetingAt(server.url('/chat/lobby'))).toBe('the lobby');
      expect(await greetingAt(server.url('/chat/kitchen'))).toBe('any room');
      expect(await greetingAt(server.url('/garden/lobby'))).toBe('any lobby');
      expect(await greetingAt(server.url('/chat/lobby/1'))).toBe('a lobby seat');
      expect(await greetingAt(server.url('/chat/kitchen/1'))).toBe('any seat');
    }
  });

  it('is the name of its service unless the service has another', async () => {
    const renamed = defineService({
      ...at('/c/d'),
      name: 'orders',
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const server = await serve([named('/a', '/b'), renamed]);
    const [first, second] = [await connect(server.url('/a/b')), await connect(server.url('/c/d'))];
    await first.next();

    expect(server.troupe.broadcastText('/a/b', 'by route')).toMatchObject({ count: 1 });
    expect(server.troupe.broadcastText('orders', 'by name')).toMatchObject({ count: 1 });
    expect(await first.next()).toBe('by route');
    expect(await second.next()).toBe('by name');
  });
});

describe('an unknown path', () => {
  it('is answered 404 before the upgrade and reported', async () => {
    const server = await serve([named('/test', '/websocket')]);
    const refusals = watch(server.troupe, 'upgrade.refused');

    expect(await refused(server.url('/test/none?x=1'))).toMatchObject({ status: 404 });

    const refusal = await refusals.next();
    expect(refusal).toMatchObject({ status: 404, remoteAddress: '127.0.0.1' });
    expect(refusal.path).toContain('/test/none');
    expect(refusal.reason).not.toBe('');
  });

  it.each(['/test', '/test/', '/test/websocket/more', '/TEST/websocket', '/', '/test%2Fwebsocket'])(
    'is %s when the service is at /test/websocket',
    async (path) => {
      const server = await serve([named('/test', '/websocket')]);

      expect(await refused(server.url(path))).toMatchObject({ status: 404 });
    },
  );
});

describe('plain HTTP', () => {
  it("reaches the service's own listener on its base path, which shares the port", async () => {
    const service = defineService({
      ...at('/test/websocket'),
      http: (_request, response) => {
        response.end('the service');
      },
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const server = await serve([service], {
      http: (_request, response) => {
        response.end('the application');
      },
    });

    expect(await (await fetch(server.http('/test'))).text()).toBe('the service');
    expect(await (await fetch(server.http('/elsewhere'))).text()).toBe('the application');
    const client = await connect(server.url('/test/websocket'));
    client.send('still a socket');
    expect(await client.next()).toBe('still a socket');
  });

  it("reaches the application's handler on the base path of a service without a listener", async () => {
    const server = await serve([named('/test', '/websocket')], {
      http: (_request, response) => {
        response.end('the application');
      },
    });

    expect(await (await fetch(server.http('/test'))).text()).toBe('the application');
  });

  it('is answered 404 where nobody handles it', async () => {
    const server = await serve([named('/test', '/websocket')]);

    expect((await fetch(server.http('/test'))).status).toBe(404);
    expect((await fetch(server.http('/'))).status).toBe(404);
    expect((await fetch(server.http('/else'), { method: 'POST', body: 'x' })).status).toBe(404);
  });

  it('GET on the upgrade path with no handler is answered 426 with the protocol to use', async () => {
    const server = await serve([named('/test', '/websocket')]);

    const answer = await fetch(server.http('/test/websocket'));

    expect(answer.status).toBe(426);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });

  it('survives a listener that throws or rejects: 500, without the words of the error', async () => {
    const throwing = defineService({
      ...at('/throwing/ws'),
      http: () => {
        throw new Error('private words');
      },
      onOpen: () => undefined,
    });
    const server = await serve([throwing]);
    const failures = watch(server.troupe, 'callback.failed');

    const answer = await fetch(server.http('/throwing'));

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('private');
    expect(String((await failures.next()).error)).toContain('private words');
  });
});

describe('a registration', () => {
  it('fails when a route is taken twice and names both services', () => {
    const first = defineService({ ...at('/test/websocket'), name: 'first', onOpen: () => undefined });
    const second = defineService({ ...at('/test/websocket'), name: 'second', onOpen: () => undefined });

    const error = errorOf(() => createTroupe({ services: [first, second] }));

    expect(error.code).toBe('TROUPE_ROUTE_TAKEN');
    expect(error.message).toContain('first');
    expect(error.message).toContain('second');
  });

  it.each([
    [
      ['/a', '/b/c'],
      ['/a/b', '/c'],
    ],
    [
      ['/a', '/{room}'],
      ['/a', '/{name}'],
    ],
    [
      ['a/', 'b'],
      ['/a', '/b/'],
    ],
  ] as const)('fails when two spellings are one route: %j and %j', (one, two) => {
    const error = errorOf(() =>
      createTroupe({ services: [named(one[0], one[1], 'first'), named(two[0], two[1], 'second')] }),
    );

    expect(error.code).toBe('TROUPE_ROUTE_TAKEN');
  });

  it('fails when a name is taken twice', () => {
    const first = defineService({ ...at('/a/b'), name: 'same', onOpen: () => undefined });
    const second = defineService({ ...at('/c/d'), name: 'same', onOpen: () => undefined });

    expect(errorOf(() => createTroupe({ services: [first, second] })).code).toMatch(/^TROUPE_/);
  });

  it.each(['/{', '/{}', '/}', '/{a', '/a}b{', '/a?b', '/a#b', '/{a}/{a}', '/a b', '/{a-b c}'])(
    'fails for the upgrade path %s, which starts no valid route',
    (upgradePath) => {
      const error = errorOf(() => createTroupe({ services: [named('/test', upgradePath)] }));

      expect(error.code).toMatch(/^TROUPE_/);
      expect(error.message).toContain(upgradePath);
    },
  );

  it('fails for a service without behaviour', () => {
    const behaviourless = { ...at('/test/websocket') } as unknown as Parameters<typeof defineService>[0];

    const error = errorOf(() => createTroupe({ services: [defineService(behaviourless)] }));

    expect(error.message).toContain('/test/websocket');
  });

  it('fails for a class without handlers and for one without annotations, and says which', () => {
    @BasePath('/test')
    @WebSocketUpgradePath('/websocket')
    class WithoutHandlers {}
    class WithoutPaths {
      @OnTextMessage()
      said() {
        return undefined;
      }
    }

    expect(errorOf(() => createTroupe({ services: [WithoutHandlers] })).message).toContain('/test/websocket');
    expect(errorOf(() => createTroupe({ services: [WithoutPaths] })).message).toContain('WithoutPaths');
  });

  it.each(forms)('works for the %s beside the others on one port', async (form) => {
    const server = await serve([echo(form, at('/test/websocket')), named('/other', '/ws', 'other')]);
    const client = await connect(server.url('/test/websocket'));
    client.send('hi');

    expect(await client.next()).toBe('hi');
    expect(await greetingAt(server.url('/other/ws'))).toBe('other');
  });
});
