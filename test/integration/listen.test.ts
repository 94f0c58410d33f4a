import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTroupe, TroupeError } from 'troupe';
import { certificate } from '../support/certificate.ts';
import { connect } from '../support/client.ts';
import { at, echo } from '../support/forms.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

function troupeOfEcho() {
  const troupe = createTroupe({ services: [echo('handlers', at(path))] });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
  return troupe;
}

describe('listen()', () => {
  it('tells where it listens', async () => {
    const troupe = troupeOfEcho();
    const listening = watch(troupe, 'server.listening');

    const { port, host, url, webSocketUrl } = await troupe.listen({ port: 0, host: '127.0.0.1' });

    expect(host).toBe('127.0.0.1');
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(webSocketUrl).toBe(`ws://127.0.0.1:${port}`);
    expect(await listening.next()).toMatchObject({ port });
    const client = await connect(`${webSocketUrl}${path}`);
    client.send('hi');
    expect(await client.next()).toBe('hi');
  });

  it('listens on the loopback address and a free port when nothing is said', async () => {
    const { host, port } = await troupeOfEcho().listen();

    expect(host).toBe('127.0.0.1');
    expect(port).toBeGreaterThan(0);
  });

  it('rejects for a taken port with its number, and may then try another', async () => {
    const first = await serve([echo('handlers', at(path))]);
    const troupe = troupeOfEcho();

    const error: unknown = await troupe
      .listen({ port: first.port, host: '127.0.0.1' })
      .catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(TroupeError);
    expect(error).toMatchObject({ code: 'TROUPE_ADDRESS_IN_USE' });
    expect(String(error)).toContain(String(first.port));
    expect((await troupe.listen({ port: 0, host: '127.0.0.1' })).port).not.toBe(first.port);
  });

  it('rejects when it listens already, and goes on', async () => {
    const server = await serve([echo('handlers', at(path))]);

    await expect(server.troupe.listen({ port: 0, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'TROUPE_ALREADY_LISTENING',
    });

    const client = await connect(server.url(path));
    client.send('hi');
    expect(await client.next()).toBe('hi');
  });

  it('rejects after close()', async () => {
    const troupe = troupeOfEcho();
    await troupe.close();

    await expect(troupe.listen({ port: 0, host: '127.0.0.1' })).rejects.toBeInstanceOf(TroupeError);
  });

  it('with TLS survives those who speak something else', async () => {
    const server = await serve([echo('handlers', at(path))], { listen: { tls: certificate() } });
    for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001', '']) {
      const socket = connectTcp({ port: server.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.end(garbage);
      await closed;
    }

    const client = await connect(server.url(path), { rejectUnauthorized: false });
    client.send('hi');
    expect(await client.next()).toBe('hi');
  });
});

describe('limits', () => {
  it.each([
    ['maxPayload', 0],
    ['maxPayload', -1],
    ['maxPayload', Number.NaN],
    ['maxPayload', 1.5],
    ['highWaterMarkBytes', 0],
    ['maxWaitingMessages', 0],
    ['maxConnections', -1],
    ['heartbeatIntervalMs', -30_000],
    ['closeTimeoutMs', Number.POSITIVE_INFINITY],
    ['idleTimeoutMs', -1],
    ['maxPayloadd', 10],
  ])('named %s with the value %d are refused by name, for the server and for a service', (name, value) => {
    const limits = { [name]: value };
    const services = [echo('handlers', at(path))];

    expect(() => createTroupe({ services, limits })).toThrow(RangeError);
    expect(() => createTroupe({ services, limits })).toThrow(name);
  });
});
