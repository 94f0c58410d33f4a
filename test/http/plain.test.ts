import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerForService, answerNobody, answerWith, type PlainDesk } from '../../src/http/plain.ts';
import type { HttpListener } from '../../src/service/definition.ts';
import { Inbox } from '../support/inbox.ts';
import { rawConnect } from '../support/raw.ts';

const failures = new Inbox<unknown>();

function deskOf(fields: Partial<PlainDesk> = {}): PlainDesk {
  return {
    findHttp: () => undefined,
    isUpgradePath: () => false,
    listenerFailed: (error) => failures.push(error),
    ...fields,
  };
}

/** Serves with one of the functions under test; returns the address. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

function serveListener(listener: HttpListener) {
  return serve((request, response) => answerWith(deskOf(), listener, request, response));
}

describe('a listener', () => {
  it('answers by itself', async () => {
    const { url } = await serveListener((request, response) => response.writeHead(201).end(request.url));
    const response = await fetch(`${url}/orders?x=1`);
    expect(response.status).toBe(201);
    expect(await response.text()).toBe('/orders?x=1');
  });

  it.each<[string, HttpListener]>([
    [
      'throws',
      () => {
        throw new Error('the password is 1234');
      },
    ],
    [
      'rejects',
      (async () => {
        await Promise.resolve();
        throw new Error('the password is 1234');
      }) as HttpListener,
    ],
  ])('that %s is answered 500 without a word of the error, which is reported', async (_title, listener) => {
    const { url } = await serveListener(listener);
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe('500 Internal Server Error: the request could not be answered\n');
    expect(await failures.next()).toEqual(new Error('the password is 1234'));
  });

  it('that throws what is no error is answered 500 as well', async () => {
    const { url } = await serveListener(() => {
      throw undefined;
    });
    expect((await fetch(url)).status).toBe(500);
    expect(await failures.next()).toBeUndefined();
  });

  // What returns a promise of another make (a query builder, a userland promise) is asynchronous all the same.
  it('that returns a thenable which rejects is answered 500', async () => {
    const rejecting = () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
      then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('late')),
    });
    const { url } = await serve((request, response) => {
      answerWith(deskOf(), rejecting, request, response);
      // A test that hangs would say less than this answer.
      setImmediate(() => {
        if (!response.writableEnded) response.writeHead(299).end();
      });
    });
    expect((await fetch(url)).status).toBe(500);
    expect(await failures.next()).toEqual(new Error('late'));
  });

  it('that fails in the middle of its answer has the connection cut, so that nobody takes the half for the whole', async () => {
    const { url } = await serveListener((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half');
      throw new Error('too late');
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
    expect(await failures.next()).toEqual(new Error('too late'));
  });

  it('that fails after its answer harms it no more', async () => {
    const { url } = await serveListener((_request, response) => {
      response.end('done');
      throw new Error('after');
    });
    await fetch(url)
      .then((response) => response.text())
      .catch(() => 'cut');
    expect(await failures.next()).toEqual(new Error('after'));
  });

  // Headers that were set for an answer that never came must not describe the 500.
  it('that fails after it has set headers leaves none of them on the 500', async () => {
    const { port } = await serveListener((_request, response) => {
      response.setHeader('Content-Length', '3');
      response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('X-Secret', '1234');
      throw new Error('set');
    });
    const client = await rawConnect(port);
    client.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    const { status, headers } = await client.answer();
    expect(status).toBe(500);
    expect(headers).not.toHaveProperty('content-encoding');
    expect(headers).not.toHaveProperty('x-secret');
    expect(headers['content-length']).not.toBe('3');
    await failures.next();
  });
});

describe("a service's listener", () => {
  it('gets the requests on its path, the query left out of the comparison', async () => {
    const paths: string[] = [];
    const desk = deskOf({
      findHttp(path) {
        paths.push(path);
        return path === '/mine' ? (_request, response) => response.end('from the service') : undefined;
      },
    });
    const { url } = await serve((request, response) => {
      if (!answerForService(desk, request, response)) response.writeHead(299).end();
    });
    expect(await (await fetch(`${url}/mine?of=you`)).text()).toBe('from the service');
    expect((await fetch(`${url}/yours`)).status).toBe(299);
    expect(paths).toEqual(['/mine', '/yours']);
  });
});

describe('a request that nobody has a listener for', () => {
  it('is answered 426 on an upgrade path, with what to upgrade to', async () => {
    const desk = deskOf({ isUpgradePath: (path) => path === '/chat' });
    const { port } = await serve((request, response) => answerNobody(desk, request, response));
    const client = await rawConnect(port);
    client.write('GET /chat?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const { status, headers } = await client.answer();
    expect(status).toBe(426);
    expect(headers).toMatchObject({ upgrade: 'websocket', connection: 'Upgrade' });
  });

  it('is answered 404 elsewhere', async () => {
    const { url } = await serve((request, response) => answerNobody(deskOf(), request, response));
    const response = await fetch(`${url}/nowhere`);
    expect(response.status).toBe(404);
    expect(response.headers.get('upgrade')).toBeNull();
  });

  it('does not get its own path back, which could hold anything', async () => {
    const { url } = await serve((request, response) => answerNobody(deskOf(), request, response));
    expect(await (await fetch(`${url}/<script>`)).text()).not.toContain('script');
  });
});
