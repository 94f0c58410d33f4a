import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { authenticated, defineService, reject, type Connection, type ServiceLimits } from 'troupe';
import { connect, type Client } from '../support/client.ts';
import { at, forms, secret, type Form } from '../support/forms.ts';
import { guarded, type Guard } from '../support/guarded.ts';
import { createGate, Inbox } from '../support/inbox.ts';
import { advance, advanceUntil, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const quiet = { heartbeatIntervalMs: 0 };
const expired = { code: 3000, reason: 'the authentication has expired' };

interface Scene {
  readonly clock: SimulatedClock;
  readonly server: Server;
  readonly client: Client;
  readonly closes: Inbox<{ code: number; reason: string }>;
}

/** A connection whose auth holds for `lifetimeMs`. */
async function enter(form: Form, lifetimeMs: number | undefined, guard: Partial<Guard> = {}): Promise<Scene> {
  const clock = new SimulatedClock();
  const { service, closes } = guarded(form, at(path), {
    authenticate: () =>
      authenticated(
        { user: 'ada' },
        { expiresAt: lifetimeMs === undefined ? undefined : new Date(Date.now() + lifetimeMs) },
      ),
    limits: quiet,
    ...guard,
  });
  const server = await serve([service], { clock });
  const client = await connect(server.url(path));
  expect(await client.next()).toBe('hello ada');
  return { clock, server, client, closes };
}

const stateOf = ({ server }: Scene) => server.troupe.connections(path).items[0]?.authentication;

/** What arrives until `text` has come back: an empty list proves silence. */
async function before(client: Client, text: string): Promise<unknown[]> {
  client.send(text);
  return client.before(text);
}

describe.each(forms)('an auth that expires, in a service of %s', (form) => {
  it('is announced a minute before, and ends the connection with 3000', async () => {
    const scene = await enter(form, 300_000);
    const { clock, client, closes } = scene;

    await advance(clock, 239_000, 1_000);
    expect(await before(client, 'still valid')).toEqual([]);
    expect(stateOf(scene)).toBe('authValid');

    await advance(clock, 2_000, 100);
    expect(await client.next()).toBe('expiring number');
    expect(stateOf(scene)).toBe('expiring');
    await advance(clock, 58_000, 1_000);
    expect(await before(client, 'still valid')).toEqual([]);

    expect(await advanceUntil(clock, client.closed, { limitMs: 2_000, stepMs: 100 })).toEqual(expired);
    expect(await closes.next()).toEqual(expired);
  });

  it('is refreshed in place by what the client sends, as often as it does', async () => {
    const scene = await enter(form, 300_000);
    const { clock, client } = scene;
    for (const user of ['bob', 'eve']) {
      expect(await advanceUntil(clock, client.next(), { limitMs: 250_000 })).toBe('expiring number');
      client.send(`refresh ${user} 300000`);
      expect(await client.next()).toBe('ok');
      expect(stateOf(scene)).toBe('authValid');
      expect(await before(client, 'whoami-not')).toEqual([]);
      client.send('whoami');
      expect(await client.next()).toBe(user);
    }

    client.send('refresh ali');
    expect(await client.next()).toBe('ok');
    await advance(clock, 1_000_000, 50_000);
    expect(await before(client, 'for ever')).toEqual([]);
  });

  it('is announced after half of its time when that is shorter than the warning', async () => {
    const { clock, client } = await enter(form, 40_000);

    await advance(clock, 19_500);
    expect(await before(client, 'not yet')).toEqual([]);
    expect(await advanceUntil(clock, client.next(), { limitMs: 1_000, stepMs: 100 })).toBe('expiring number');
  });

  it('is told as early as the service wants', async () => {
    const { clock, client } = await enter(form, 300_000, { limits: { ...quiet, expiryWarningMs: 5_000 } });

    await advance(clock, 294_000, 1_000);
    expect(await before(client, 'not yet')).toEqual([]);
    expect(await advanceUntil(clock, client.next(), { limitMs: 1_500, stepMs: 100 })).toBe('expiring number');
  });

  it('is asked for again by the hook, and the service is told nothing when that knows better', async () => {
    let asked = 0;
    const scene = await enter(form, 300_000, {
      reauthenticate: async () =>
        Promise.resolve(
          ++asked < 3 && authenticated({ user: `ada${asked}` }, { expiresAt: Date.now() + 300_000 + asked * 10 }),
        ),
    });
    const { clock, client } = scene;

    // Twice the hook knows better, at 240 s and 480 s; at 720 s it knows nobody, and the service is told.
    await advance(clock, 719_000, 1_000);
    expect(asked).toBe(2);
    expect(await before(client, 'nothing')).toEqual([]);
    expect(await advanceUntil(clock, client.next(), { limitMs: 3_000, stepMs: 100 })).toBe('expiring number');
    expect(asked).toBe(3);
    expect(await advanceUntil(clock, client.closed, { limitMs: 62_000 })).toEqual(expired);
  });
});

describe('an auth without an end', () => {
  it('stays valid', async () => {
    const scene = await enter('handlers', undefined);
    await advance(scene.clock, 10_000_000, 1_000_000);

    expect(await before(scene.client, 'here')).toEqual([]);
    expect(stateOf(scene)).toBe('authValid');
  });
});

describe('the hook', () => {
  it('that rejects ends the connection at once', async () => {
    const { clock, client } = await enter('handlers', 300_000, { reauthenticate: () => reject(403) });

    expect(await advanceUntil(clock, client.closed, { limitMs: 242_000 })).toEqual(expired);
    expect(await client.untilClosed()).toEqual([]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error(secret);
      },
    ],
    ['rejects', () => Promise.reject(new Error(secret))],
  ])('that %s is reported, the service is told, and nothing else ends', async (_how, reauthenticate) => {
    const { clock, client, server } = await enter('handlers', 300_000, { reauthenticate });
    const failures = watch(server.troupe, 'callback.failed');

    expect(await advanceUntil(clock, client.next(), { limitMs: 242_000 })).toBe('expiring number');
    expect(await failures.next()).toMatchObject({
      callback: `reauthenticate of service "${path}"`,
      error: { message: secret },
    });
    client.send('refresh bob 300000');
    expect(await client.next()).toBe('ok');
  });

  it('that knows no later end has renewed nothing: the service is told, and the first end holds', async () => {
    let asked = 0;
    const expiresAt = Date.now() + 300_000;
    const { clock, client } = await enter('handlers', 300_000, {
      reauthenticate: () => authenticated({ user: `ada${++asked}` }, { expiresAt: expiresAt - 300_000 }),
    });

    expect(await advanceUntil(clock, client.next(), { limitMs: 242_000 })).toBe('expiring number');
    client.send('whoami');
    expect(await client.next()).toBe('ada1');
    expect(await advanceUntil(clock, client.closed, { limitMs: 62_000 })).toEqual(expired);
    expect(asked).toBe(1);
  });

  it('that answers late overwrites no newer auth', async () => {
    const gate = createGate<{ user: string }>();
    const asked = new Inbox<Connection>();
    const { clock, client } = await enter('handlers', 300_000, {
      reauthenticate(connection) {
        asked.push(connection);
        return gate.opened;
      },
    });
    const connection = await advanceUntil(clock, asked.next(), { limitMs: 242_000 });
    client.send('refresh bob 300000');
    expect(await client.next()).toBe('ok');

    gate.open({ user: 'eve' });

    client.send('whoami');
    expect(await client.next()).toBe('bob');
    expect(connection.auth).toEqual({ user: 'bob' });
  });

  it('that answers when the connection has ended does nothing', async () => {
    const gate = createGate<{ user: string }>();
    const { clock, client, closes } = await enter('handlers', 300_000, { reauthenticate: () => gate.opened });

    expect(await advanceUntil(clock, client.closed, { limitMs: 302_000 })).toEqual(expired);
    gate.open({ user: 'eve' });

    expect(await closes.next()).toEqual(expired);
  });
});

describe('what arrives before the end', () => {
  /** A service whose messages take until the test says so. */
  async function enterBusy(limits: Partial<ServiceLimits> = {}) {
    const handled = new Inbox<string>();
    const gates = new Inbox<{ open(): void }>();
    const clock = new SimulatedClock();
    const service = defineService({
      ...at(path),
      limits: { ...quiet, ...limits },
      authenticate: () => authenticated('ada', { expiresAt: Date.now() + 100_000 }),
      async onTextMessage(connection, text) {
        const gate = createGate();
        gates.push({ open: () => gate.open() });
        await gate.opened;
        handled.push(text);
        connection.pushText(`${text}: ${connection.refreshAuth('eve').status}`);
      },
    });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    for (const text of ['one', 'two', 'three']) client.send(text);
    await client.ping();
    return { clock, server, client, handled, gates };
  }

  it('is still handled and answered, in order; an expired auth is not refreshed any more', async () => {
    const { clock, client, gates, server } = await enterBusy();
    const changes = watch(server.troupe, 'connection.changed');
    await advanceUntil(
      clock,
      changes.until(({ authentication }) => authentication === 'expired'),
      { limitMs: 101_000 },
    );
    client.send('too late');

    for (let index = 0; index < 3; index += 1) (await gates.next()).open();

    expect(await client.untilClosed()).toEqual(['one: closed', 'two: closed', 'three: closed']);
    expect(await client.closed).toEqual(expired);
  });

  it('has the time of a close, so that a handler that never settles keeps nobody in', async () => {
    const { clock, client, handled, server } = await enterBusy({ closeTimeoutMs: 5_000 });
    const failures = watch(server.troupe, 'callback.failed');

    expect(await advanceUntil(clock, client.closed, { limitMs: 106_000 })).toEqual(expired);
    expect(handled.all).toEqual([]);
    expect((await advanceUntil(clock, failures.next())).error).toMatchObject({ code: 'TROUPE_HANDLER_UNSETTLED' });
  });
});

describe('refreshAuth', () => {
  it('of an auth that has expired already ends the connection', async () => {
    const { clock, client } = await enter('handlers', 300_000);
    client.send('refresh bob -1000');
    expect(await client.next()).toBe('ok');

    expect(await advanceUntil(clock, client.closed, { limitMs: 1_000, stepMs: 100 })).toEqual(expired);
  });

  it('may be called from outside, and long before the end', async () => {
    const connections = new Inbox<Connection<unknown, string>>();
    const service = defineService({
      ...at(path),
      limits: quiet,
      authenticate: () => authenticated('ada', { expiresAt: Date.now() + 100_000 }),
      onOpen: (connection) => connections.push(connection as Connection<unknown, string>),
      onTextMessage: (connection, text) => connection.pushText(`${connection.auth} ${text}`),
    });
    const clock = new SimulatedClock();
    const server = await serve([service], { clock });
    const changes = watch(server.troupe, 'connection.changed');
    const client = await connect(server.url(path));
    const connection = await connections.next();

    expect(connection.refreshAuth('eve', { expiresAt: Date.now() + 1_000_000 })).toEqual({ status: 'ok', count: 1 });

    await advance(clock, 900_000, 10_000);
    client.send('here');
    expect(await client.next()).toBe('eve here');
    expect(changes.all.filter(({ authentication }) => authentication !== 'authValid')).toEqual([]);
    await client.close();
    expect(connection.refreshAuth('bob')).toEqual({ status: 'closed', count: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, new Date('never')])(
    'refuses %s as a time: the caller is at fault',
    async (expiresAt) => {
      const errors = new Inbox<unknown>();
      const service = defineService({
        ...at(path),
        authenticate: () => 'ada',
        onOpen: (connection) => void connection.refreshAuth('eve', { expiresAt }),
        onError: (_connection, error) => errors.push(error),
      });
      const server = await serve([service]);
      watch(server.troupe, 'connection.crashed');
      const client = await connect(server.url(path));

      expect((await client.closed).code).toBe(1011);
      expect(errors.all[0]).toMatchObject({ name: 'TroupeTypeError', code: 'TROUPE_ARGUMENT_INVALID' });
    },
  );
});

describe('many connections with an end', () => {
  it('share one timer with all other deadlines', async () => {
    const clock = new SimulatedClock();
    const set = clock.setTimeout.bind(clock);
    let timers = 0;
    clock.setTimeout = (callback: () => void, delayMs: number) => {
      timers += 1;
      return set(callback, delayMs);
    };
    const { service } = guarded('handlers', at(path), {
      authenticate: () => authenticated({ user: 'ada' }, { expiresAt: Date.now() + 300_000 }),
      limits: quiet,
    });
    const server = await serve([service], { clock });
    await Promise.all(Array.from({ length: 20 }, () => connect(server.url(path))));

    expect(timers).toBeLessThanOrEqual(2);
  });
});
