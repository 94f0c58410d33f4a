import { describe, expect, it } from 'vitest';
import { authenticated, defineService, reject, type Connection, type HandshakeRequest } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, echo, forms, secret } from '../support/forms.ts';
import { greeting, guarded } from '../support/guarded.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

/** The names of users by what they show; nothing for everybody else. */
const users = new Map([
  ['ada-token', { user: 'ada' }],
  ['bob-token', { user: 'bob' }],
]);

function bearer({ headers }: HandshakeRequest): string {
  return headers.authorization?.replace('Bearer ', '') ?? '';
}

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe.each(forms)('a guarded service of %s', (form) => {
  it.each([
    ['at once', (request: HandshakeRequest) => users.get(bearer(request))],
    ['later', async (request: HandshakeRequest) => Promise.resolve(users.get(bearer(request)))],
    ['for a while', (request: HandshakeRequest) => withEnd(users.get(bearer(request)))],
  ])('knows who each connection is when it is told %s', async (_when, authenticate) => {
    const server = await serve([guarded(form, at(path), { authenticate }).service]);

    const ada = await connect(server.url(path), as('ada-token'));
    const bob = await connect(server.url(path), as('bob-token'));

    expect([await ada.next(), await bob.next()]).toEqual([greeting({ user: 'ada' }), greeting({ user: 'bob' })]);
    ada.send('whoami');
    expect(await ada.next()).toBe('ada');
  });

  it('lets nobody in whom it does not know', async () => {
    const { service } = guarded(form, at(path), { authenticate: (request) => users.get(bearer(request)) });
    const server = await serve([service]);
    const refusals = watch(server.troupe, 'upgrade.refused');

    const { status, headers, body } = await refused(server.url(path), as('guessed'));

    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(body).toBe('401 Unauthorized: authentication is required\n');
    expect(await refusals.next()).toMatchObject({ status: 401, path });
    expect(server.troupe.connections(path).items).toEqual([]);
  });

  it.each([
    [401, 'log in first', 'Bearer'],
    [403, 'not for you', undefined],
  ] as const)('rejects with %i and a reason', async (status, reason, challenge) => {
    const server = await serve([guarded(form, at(path), { authenticate: () => reject(status, reason) }).service]);

    const refusal = await refused(server.url(path));

    expect([refusal.status, refusal.headers['www-authenticate']]).toEqual([status, challenge]);
    expect(refusal.body).toContain(reason);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error(secret);
      },
    ],
    ['rejects', () => Promise.reject(new Error(secret))],
  ])('that %s answers 500 without a word of it, reports the error and goes on', async (_how, fail) => {
    const { service } = guarded(form, at(path), {
      authenticate: (request) => users.get(bearer(request)) ?? fail(),
    });
    const server = await serve([service]);
    const failures = watch(server.troupe, 'callback.failed');

    const refusal = await refused(server.url(path));

    expect(refusal.status).toBe(500);
    expect(JSON.stringify(refusal)).not.toContain(secret);
    expect(await failures.next()).toMatchObject({
      callback: `authenticate of service "${path}"`,
      error: { message: secret },
    });
    const ada = await connect(server.url(path), as('ada-token'));
    expect(await ada.next()).toBe(greeting({ user: 'ada' }));
  });
});

function withEnd(auth: { user: string } | undefined) {
  return auth && authenticated(auth, { expiresAt: new Date(Date.now() + 60_000) });
}

function open(authenticate: (request: HandshakeRequest) => unknown) {
  return defineService({
    ...at(path),
    authenticate,
    onOpen(connection) {
      connection.pushText(JSON.stringify(connection.auth));
    },
  });
}

describe('what authenticate returns', () => {
  it.each([['undefined', undefined] as const, ['null', null] as const, ['false', false] as const])(
    'stands for nobody when it is %s: 401',
    async (_title, nobody) => {
      const server = await serve([open(() => nobody)]);

      expect((await refused(server.url(path))).status).toBe(401);
    },
  );

  it.each([['' as const], [0 as const], [true as const], [['a']]])('is the auth otherwise: %j', async (auth) => {
    const server = await serve([open(() => auth)]);
    const client = await connect(server.url(path));

    expect(await client.next()).toBe(JSON.stringify(auth));
  });

  it('is refused with 401 when it has expired already', async () => {
    const server = await serve([open(() => authenticated('ada', { expiresAt: Date.now() - 1 }))]);

    expect((await refused(server.url(path))).status).toBe(401);
  });

  it('may be a thenable of any make, and one that misbehaves is a failure', async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- what user code may return
    const good = { then: (resolve: (auth: string) => void) => resolve('ada') };
    const bad = {
      // oxlint-disable-next-line unicorn/no-thenable -- what user code may return
      get then(): never {
        throw new Error(secret);
      },
    };
    const server = await serve([open(({ query }) => (query.has('bad') ? bad : good))]);
    const failures = watch(server.troupe, 'callback.failed');

    expect(await (await connect(server.url(path))).next()).toBe('"ada"');
    expect((await refused(server.url(`${path}?bad`))).status).toBe(500);
    expect((await failures.next()).error).toMatchObject({ message: secret });
  });

  it('may challenge in its own way', async () => {
    const headers = { 'WWW-Authenticate': 'Basic realm="troupe"', 'Retry-After': '9' };
    const server = await serve([open(() => reject(401, 'no', { headers }))]);

    const refusal = await refused(server.url(path));

    expect(refusal.headers).toMatchObject({ 'www-authenticate': 'Basic realm="troupe"', 'retry-after': '9' });
  });

  it('never shows in what is told of the connection', async () => {
    const server = await serve([open(() => secret)]);
    const opened = watch(server.troupe, 'connection.opened');
    await connect(server.url(path));

    expect(JSON.stringify(await opened.next())).not.toContain(secret);
    expect(JSON.stringify(server.troupe.connections(path))).not.toContain(secret);
  });
});

describe('what authenticate is told', () => {
  it('is all that is known of the handshake', async () => {
    const requests = new Inbox<HandshakeRequest>();
    const service = defineService({
      basePath: '/rooms',
      webSocketUpgradePath: '/{room}',
      allowedOrigins: ['https://app.example'],
      subprotocols: ['v1'],
      authenticate(request) {
        requests.push(request);
        return { room: request.params.room };
      },
      onOpen: (connection) => connection.pushText(`${connection.auth.room} ${connection.params.room}`),
    });
    const server = await serve([service]);

    const client = await connect(server.url('/rooms/a%20b?x=1&x=2'), {
      origin: 'https://app.example',
      protocols: ['v2', 'v1'],
      headers: { cookie: 'a=b' },
    });

    expect(await client.next()).toBe('a b a b');
    const request = await requests.next();
    expect(request).toMatchObject({
      url: '/rooms/a%20b?x=1&x=2',
      path: '/rooms/a%20b',
      params: { room: 'a b' },
      remoteAddress: '127.0.0.1',
      isSecure: false,
      origin: 'https://app.example',
      subprotocols: ['v2', 'v1'],
    });
    expect(request.headers.cookie).toBe('a=b');
    expect(request.query.getAll('x')).toEqual(['1', '2']);
    expect(request.signal.aborted).toBe(false);
  });

  it('is nothing of a handshake that is refused before', async () => {
    const asked = new Inbox<string>();
    const service = open(({ path }) => asked.push(path));
    const server = await serve([service]);

    expect((await refused(server.url(path), { origin: 'http://evil.example' })).status).toBe(403);
    expect((await refused(server.url('/elsewhere'))).status).toBe(404);
    expect(asked.all).toEqual([]);
  });

  it('is told as a method of the service, as handlers are', async () => {
    const service = defineService({
      ...at(path),
      name: 'mine',
      authenticate(): string | undefined {
        return (this as { name?: string }).name;
      },
      onOpen: (connection) => connection.pushText(connection.auth),
    });
    const server = await serve([service]);

    expect(await (await connect(server.url(path))).next()).toBe('mine');
  });
});

describe('services beside a guarded one', () => {
  it('are open as before, and their connections have no auth to refresh', async () => {
    const errors = new Inbox<unknown>();
    const unguarded = defineService({
      ...at('/open/ws'),
      onOpen(connection: Connection) {
        connection.pushText(`auth: ${String(connection.auth)}`);
        connection.refreshAuth('ada');
      },
      onError: (_connection, error) => errors.push(error),
    });
    const server = await serve([unguarded, open(() => undefined), echo('handlers', at('/echo/ws'))]);

    const crashes = watch(server.troupe, 'connection.crashed');

    const client = await connect(server.url('/open/ws'));
    expect(await client.untilClosed()).toEqual(['auth: undefined']);
    expect(await errors.next()).toMatchObject({ code: 'TROUPE_AUTH_NOT_DECLARED' });
    expect(crashes.all).toHaveLength(1);
    await connect(server.url('/echo/ws'));
  });
});
