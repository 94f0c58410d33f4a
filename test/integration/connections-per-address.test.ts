import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defineService, reject, type HandshakeRequest, type Rejection } from 'troupe';
import { connect, refused, type ConnectOptions } from '../support/client.ts';
import { announcer, at, echo, forms, type Form } from '../support/forms.ts';
import { guarded, type User } from '../support/guarded.ts';
import { createGate, Inbox, type Gate } from '../support/inbox.ts';
import { handshake, rawConnect } from '../support/raw.ts';
import { advance, serve, watch, type ServeOptions } from '../support/server.ts';

const path = '/test/websocket';
const other = '/other/websocket';

/** As a proxy on this machine would hand it on. */
function by(address: string): ConnectOptions {
  return { headers: { 'X-Forwarded-For': address } };
}

describe.each(forms)('a bound on the connections of an address, for a service of %s,', (form) => {
  it('refuses one more with 429, tells when to come again, and says so', async () => {
    const server = await serve([echo(form, at(path))], { limits: { maxConnectionsPerAddress: 2 } });
    const refusals = watch(server.troupe, 'upgrade.refused');
    for (let count = 0; count < 2; count += 1) await connect(server.url(path));

    const { status, headers, body } = await refused(server.url(path));

    expect(status).toBe(429);
    expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(body).toContain('too many connections');
    expect(await refusals.next()).toMatchObject({ status: 429, path, remoteAddress: '127.0.0.1' });
  });

  it('has room again when one has ended', async () => {
    const server = await serve([echo(form, at(path))], { limits: { maxConnectionsPerAddress: 1 } });
    const closed = watch(server.troupe, 'connection.closed');
    const first = await connect(server.url(path));
    expect((await refused(server.url(path))).status).toBe(429);

    await first.close();
    await closed.next();

    const second = await connect(server.url(path));
    second.send('hello');
    expect(await second.next()).toBe('hello');
  });

  it('has room again when one was lost', async () => {
    const server = await serve([announcer(form, at(path))], { limits: { maxConnectionsPerAddress: 1 } });
    const closed = watch(server.troupe, 'connection.closed');
    await (await connect(server.url(path))).terminate();
    await closed.next();

    expect(await (await connect(server.url(path))).next()).toBe('joined');
  });
});

describe('a bound on the connections of an address', () => {
  it('of the server counts all services together, and one of a service its own', async () => {
    const few = defineService({ ...at(other), limits: { maxConnectionsPerAddress: 1 }, onOpen: () => undefined });
    const server = await serve([echo('handlers', at(path)), few], { limits: { maxConnectionsPerAddress: 3 } });
    await connect(server.url(other));
    expect((await refused(server.url(other))).status).toBe(429);
    for (let count = 0; count < 2; count += 1) await connect(server.url(path));

    expect((await refused(server.url(path))).status).toBe(429);
  });

  it('is for each address its own, behind a trusted proxy for each client', async () => {
    const server = await serve([echo('handlers', at(path))], {
      trustProxy: ['127.0.0.1'],
      limits: { maxConnectionsPerAddress: 1 },
    });
    await connect(server.url(path), by('198.51.100.1'));
    await connect(server.url(path), by('198.51.100.2'));
    expect((await refused(server.url(path), by('198.51.100.1'))).status).toBe(429);
    // Whoever claims another address in front of what the proxy appends stays who it is.
    expect((await refused(server.url(path), by('203.0.113.9, 198.51.100.1'))).status).toBe(429);

    const addresses = server.troupe.connections(path).items.map(({ remoteAddress }) => remoteAddress);
    expect(addresses).toEqual(['198.51.100.1', '198.51.100.2']);
  });

  it('takes a network of IPv6 for one address', async () => {
    const server = await serve([echo('handlers', at(path))], {
      trustProxy: 1,
      limits: { maxConnectionsPerAddress: 1 },
    });
    await connect(server.url(path), by('2001:db8:1:2::1'));
    expect((await refused(server.url(path), by('2001:db8:1:2:ffff::9'))).status).toBe(429);
    await connect(server.url(path), by('2001:db8:1:3::1'));
  });

  it('is off by default, and 503 comes before it', async () => {
    const server = await serve([echo('handlers', at(path))], { limits: { maxConnections: 20 } });
    for (let count = 0; count < 20; count += 1) await connect(server.url(path));
    expect((await refused(server.url(path))).status).toBe(503);
  });

  it('believes no header of a stranger', async () => {
    const server = await serve([echo('handlers', at(path))], {
      trustProxy: ['10.0.0.0/8'],
      limits: { maxConnectionsPerAddress: 1 },
    });
    await connect(server.url(path), by('198.51.100.1'));
    const refusals = watch(server.troupe, 'upgrade.refused');
    expect((await refused(server.url(path), by('198.51.100.2'))).status).toBe(429);
    expect(await refusals.next()).toMatchObject({ remoteAddress: '127.0.0.1' });
  });
});

interface Waiting {
  readonly request: HandshakeRequest;
  readonly gate: Gate<User | Rejection>;
}

/** A guarded service in each form, whose handshakes wait until the test decides. */
async function serveWaiting(form: Form, options: ServeOptions = {}) {
  const waiting = new Inbox<Waiting>();
  const { service } = guarded(form, at(path), {
    authenticate(request) {
      const gate = createGate<User | Rejection>();
      waiting.push({ request, gate });
      return gate.opened;
    },
  });
  const server = await serve([service, echo('handlers', at(other))], {
    trustProxy: ['127.0.0.1'],
    limits: { maxConnectionsPerAddress: 2 },
    ...options,
  });
  return { waiting, server };
}

describe.each(forms)('handshakes that wait, of a service of %s,', (form) => {
  it('count as connections of their address, and of it alone', async () => {
    const { waiting, server } = await serveWaiting(form);
    const clients = [connect(server.url(path), by('198.51.100.1')), connect(server.url(path), by('198.51.100.1'))];
    const gates = [(await waiting.next()).gate, (await waiting.next()).gate];

    expect((await refused(server.url(path), by('198.51.100.1'))).status).toBe(429);
    expect((await refused(server.url(other), by('198.51.100.1'))).status).toBe(429);
    const third = connect(server.url(path), by('198.51.100.2'));
    (await waiting.next()).gate.open({ user: 'eve' });
    expect(await (await third).next()).toBe('hello eve');

    for (const gate of gates) gate.open({ user: 'ada' });
    for (const client of clients) expect(await (await client).next()).toBe('hello ada');
    expect((await refused(server.url(path), by('198.51.100.1'))).status).toBe(429);
  });

  it('give their place back when they are refused, fail, take too long or go away', async () => {
    const clock = new SimulatedClock();
    const { waiting, server } = await serveWaiting(form, { clock, limits: { maxConnectionsPerAddress: 1 } });
    const failed = watch(server.troupe, 'callback.failed');

    const rejected = refused(server.url(path));
    (await waiting.next()).gate.open(reject(403));
    expect((await rejected).status).toBe(403);

    const broken = refused(server.url(path));
    (await waiting.next()).gate.fail(new Error('no database'));
    expect((await broken).status).toBe(500);
    await failed.next();

    const slow = refused(server.url(path));
    await waiting.next();
    await advance(clock, 11_000);
    expect((await slow).status).toBe(503);

    const client = await rawConnect(server.port);
    client.write(handshake(path));
    const { request } = await waiting.next();
    const isGone = once(request.signal, 'abort');
    client.destroy();
    await isGone;

    const last = connect(server.url(path));
    (await waiting.next()).gate.open({ user: 'ada' });
    expect(await (await last).next()).toBe('hello ada');
    expect((await refused(server.url(path))).status).toBe(429);
  });

  it('are shown the address that the proxy tells of', async () => {
    const { waiting, server } = await serveWaiting(form);
    const refusals = watch(server.troupe, 'upgrade.refused');
    const answer = refused(server.url(path), by('198.51.100.1'));
    const { request, gate } = await waiting.next();

    expect(request.remoteAddress).toBe('198.51.100.1');
    gate.open(reject(401));
    expect((await answer).status).toBe(401);
    expect(await refusals.next()).toMatchObject({ status: 401, remoteAddress: '198.51.100.1' });
  });
});
