import { createServer } from 'node:http';
import { request as secureRequest } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen, type ListenOptions, type OwnServer } from '../../src/http/listen.ts';
import type { HttpListener } from '../../src/service/definition.ts';
import { certificate } from '../support/certificate.ts';
import { turns } from '../support/inbox.ts';
import { handshake, rawConnect } from '../support/raw.ts';
import { createDesk, type TestDesk } from './desk.ts';

interface Listening {
  own: OwnServer;
  desk: TestDesk;
}

async function start(
  options: ListenOptions = {},
  {
    application,
    handshakeTimeoutMs = 10_000,
    desk = createDesk({ '/chat': {} }),
  }: {
    application?: HttpListener;
    handshakeTimeoutMs?: number;
    desk?: TestDesk;
  } = {},
): Promise<Listening> {
  const own = await listen(desk, application, handshakeTimeoutMs, options);
  onTestFinished(() => own.close());
  return { own, desk };
}

/** The error with which a promise rejects. */
async function rejection(
  promise: Promise<unknown>,
): Promise<{ name?: string; code?: string; message?: string; fields?: unknown; cause?: unknown }> {
  return promise.then(
    () => ({ message: 'it did not reject' }),
    (error: unknown) => error as Error,
  );
}

describe('listening', () => {
  it('takes a free port of the loopback address when nothing else is said', async () => {
    const { own } = await start();
    const { host, port, url, webSocketUrl } = own.address;
    expect(host).toBe('127.0.0.1');
    expect(port).toBeGreaterThan(0);
    expect({ url, webSocketUrl }).toEqual({ url: `http://127.0.0.1:${port}`, webSocketUrl: `ws://127.0.0.1:${port}` });
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  });

  it('writes an IPv6 address in brackets', async ({ skip }) => {
    const probe = createTcpServer();
    const hasIpv6 = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(0, '::1', () => probe.close(() => resolve(true)));
    });
    if (!hasIpv6) skip('this machine has no IPv6');
    const { own } = await start({ host: '::1' });
    expect(own.address.url).toBe(`http://[::1]:${own.address.port}`);
    expect((await fetch(own.address.url)).status).toBe(404);
  });

  it("serves upgrades, the services' requests and the application's on one port", async () => {
    const desk = createDesk(
      { '/chat': {} },
      { findHttp: (path) => (path === '/chat/rooms' ? (_request, response) => response.end('service') : undefined) },
    );
    const { own } = await start({}, { desk, application: (_request, response) => response.end('application') });
    const { port, url } = own.address;
    const client = await rawConnect(port);
    client.write(handshake('/chat'));
    expect((await client.answer()).status).toBe(101);
    expect(await (await fetch(`${url}/chat/rooms`)).text()).toBe('service');
    expect(await (await fetch(`${url}/`)).text()).toBe('application');
  });

  it('answers 426 on an upgrade path without an application', async () => {
    const { own } = await start();
    expect((await fetch(`${own.address.url}/chat`)).status).toBe(426);
  });

  it("answers 500 when the application's listener throws, and goes on", async () => {
    const { own, desk } = await start(
      {},
      {
        application() {
          throw new Error('the password is 1234');
        },
      },
    );
    for (let count = 0; count < 2; count += 1) {
      const response = await fetch(own.address.url);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('1234');
      expect(await desk.failures.next()).toEqual(new Error('the password is 1234'));
    }
  });
});

describe('an address that cannot be had', () => {
  it('is the typed error for a taken port, with its cause', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const error = await rejection(start({ port }));
    expect(error).toMatchObject({
      name: 'TroupeError',
      code: 'TROUPE_ADDRESS_IN_USE',
      fields: { host: '127.0.0.1', port },
    });
    expect(error.message).toContain(String(port));
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE' });
  });

  it.each([
    ['an address of another machine', '192.0.2.1'],
    ['a name that does not exist', 'no-such-host.invalid'],
  ])('is the typed error for %s', async (_title, host) => {
    const error = await rejection(start({ host }));
    expect(error).toMatchObject({
      code: 'TROUPE_LISTEN_FAILED',
      fields: { host, port: 0, systemCode: expect.any(String) },
    });
  });

  it.each([-1, 65_536, 1.5, Number.NaN])('is a typed error for the port %d', async (port) => {
    expect((await rejection(start({ port }))).code).toMatch(/^TROUPE_/);
  });
});

describe('https', () => {
  function secureStatus(port: number): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const request = secureRequest(
        { port, host: '127.0.0.1', path: '/nowhere', rejectUnauthorized: false, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      request.end();
    });
  }

  it('is served with a certificate', async () => {
    const { own } = await start({ tls: certificate() });
    const { port, url, webSocketUrl } = own.address;
    expect({ url, webSocketUrl }).toEqual({
      url: `https://127.0.0.1:${port}`,
      webSocketUrl: `wss://127.0.0.1:${port}`,
    });
    expect(await secureStatus(port)).toBe(404);
  });

  it('is a typed error when key or certificate are none', async () => {
    const error = await rejection(start({ tls: { key: 'no key', cert: 'no certificate' } }));
    expect(error.code).toMatch(/^TROUPE_/);
    expect(error.message).not.toContain('no key');
  });

  it('does not speak plain HTTP', async () => {
    const { own } = await start({ tls: certificate() });
    const client = await rawConnect(own.address.port);
    client.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await client.ended;
  });

  it('is cut off after handshakeTimeoutMs when the TLS handshake never comes', async () => {
    const { own } = await start({ tls: certificate() }, { handshakeTimeoutMs: 50 });
    const client = await rawConnect(own.address.port);
    await client.ended;
  }, 3000);

  it('closes although a TLS handshake is under way', async () => {
    const own = await listen(createDesk(), undefined, 10_000, { tls: certificate() });
    const client = await rawConnect(own.address.port);
    await turns(3);
    const closed = own.close();
    try {
      await Promise.race([closed, failAfter(2500, 'the server did not close')]);
    } finally {
      client.destroy();
      await closed;
    }
  });
});

describe('slow headers', () => {
  it.each([
    ['that never come', ''],
    ['that stop half-way', 'GET / HTTP/1.1\r\nHost: 127'],
    ['of an upgrade that stop half-way', 'GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnec'],
  ])('%s are cut off after handshakeTimeoutMs', async (_title, bytes) => {
    const { own, desk } = await start({}, { handshakeTimeoutMs: 50 });
    const client = await rawConnect(own.address.port);
    if (bytes !== '') client.write(bytes);
    await client.ended;
    expect(desk.accepted.all).toEqual([]);
  });

  // Node wants its time-out for headers below the one for whole requests, which is 300 s unless it is told otherwise.
  it('may be allowed to take longer than Node lets requests take', async () => {
    const { own } = await start({}, { handshakeTimeoutMs: 600_000 });
    expect((await fetch(own.address.url)).status).toBe(404);
  });
});

describe('closing', () => {
  it('gives the port back', async () => {
    const { own } = await start();
    await own.close();
    const { own: second } = await start({ port: own.address.port });
    expect(second.address.port).toBe(own.address.port);
  });

  it('is not held by keep-alive connections that wait for a request', async () => {
    const own = await listen(createDesk(), undefined, 10_000, {});
    const client = await rawConnect(own.address.port);
    client.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n');
    expect((await client.answer()).headers['connection']).toBe('keep-alive');
    await own.close();
    await client.ended;
  });

  it('lets a request that is being answered finish', async () => {
    let finish: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let answer: () => void = () => undefined;
    const own = await listen(
      createDesk(),
      (_request, response) => {
        answer = () => response.end('finished');
        finish();
      },
      10_000,
      {},
    );
    const response = fetch(own.address.url);
    await begun;
    const closed = own.close();
    answer();
    expect(await (await response).text()).toBe('finished');
    await closed;
  });

  it('ends a request that is never answered', async () => {
    const own = await listen(createDesk(), () => undefined, 10_000, {});
    const client = await rawConnect(own.address.port);
    client.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await turns(3);
    await own.close();
    await client.ended;
  });

  it('is done at once when nothing is connected, and the second time', async () => {
    const { own } = await start();
    await own.close();
    await own.close();
  });
});

/** A bound on what must not take longer, so that the test can still clean up. */
function failAfter(ms: number, message: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    AbortSignal.timeout(ms).addEventListener('abort', () => reject(new Error(message)));
  });
}
