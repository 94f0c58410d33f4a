import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTroupe, defineService } from 'troupe';
import { attachTo } from '../../src/http/attach.ts';
import type { HttpListener } from '../../src/service/definition.ts';
import { handshake, rawConnect } from '../support/raw.ts';
import { createDesk } from './desk.ts';

async function serve(
  ...listeners: HttpListener[]
): Promise<{ server: Server; port: number; get: (path: string) => Promise<string> }> {
  const server = createServer();
  for (const listener of listeners) server.on('request', listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    async get(path) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    },
  };
}

const says =
  (text: string): HttpListener =>
  (_request, response) =>
    response.end(text);

/** The status of the answer to an upgrade request. */
async function upgrade(port: number, path: string): Promise<number> {
  const client = await rawConnect(port);
  client.write(handshake(path));
  const { status } = await client.answer();
  client.destroy();
  return status;
}

/** A desk with one service at `/chat/ws` whose `http` answers below `/chat`. */
function chatDesk() {
  const http = says('service');
  return createDesk({ '/chat/ws': {} }, { findHttp: (path) => (/^\/chat(\/|$)/.test(path) ? http : undefined) });
}

describe('plain requests', () => {
  it('stay with the application, all but those on the base path of a service with a listener', async () => {
    const { server, get } = await serve(says('application'));
    attachTo(server, chatDesk());
    expect(await get('/')).toBe('200 application');
    expect(await get('/chatter')).toBe('200 application');
    expect(await get('/chat')).toBe('200 service');
    expect(await get('/chat/1?x')).toBe('200 service');
  });

  it('reach every listener of the application in order, with the server as this', async () => {
    const seen: unknown[] = [];
    const { server, get } = await serve(
      function first(this: unknown) {
        seen.push('first', this);
      } as HttpListener,
      says('second'),
    );
    attachTo(server, createDesk());
    expect(await get('/')).toBe('200 second');
    expect(seen).toEqual(['first', server]);
  });

  it('reach a listener that the application adds later, also when it had none', async () => {
    const { server, get } = await serve();
    attachTo(server, createDesk());
    server.on('request', says('later'));
    expect(await get('/')).toBe('200 later');
  });

  it('are answered 404, or 426 on an upgrade path, when the application has no listener at all', async () => {
    const { server, get } = await serve();
    attachTo(server, createDesk({ '/chat/ws': {} }));
    expect(await get('/nowhere')).toMatch(/^404 /);
    expect(await get('/chat/ws')).toMatch(/^426 /);
  });

  it('on an upgrade path are left to the application, which may serve a page there', async () => {
    const { server, get } = await serve(says('a page'));
    attachTo(server, createDesk({ '/chat/ws': {} }));
    expect(await get('/chat/ws')).toBe('200 a page');
  });

  // `once` listeners are wrapped by node:events: taken off with `listeners()` they would stay for ever.
  it('reach a listener for one request once', async () => {
    const { server, get } = await serve();
    let heard = 0;
    server.once('request', () => {
      heard += 1;
    });
    server.on('request', says('always'));
    attachTo(server, createDesk());
    await get('/');
    await get('/');
    expect(heard).toBe(1);
  });
});

describe('upgrades', () => {
  it('at the path of a service are taken, and others refused when nobody else listens', async () => {
    const { server, port } = await serve(says('application'));
    const desk = chatDesk();
    attachTo(server, desk);
    expect(await upgrade(port, '/chat/ws')).toBe(101);
    expect(await upgrade(port, '/other')).toBe(404);
    expect(desk.refusals.all).toHaveLength(1);
  });

  it("at other paths are left to the application's own upgrade listener, whichever came first", async () => {
    for (const order of ['before', 'after']) {
      const { server, port } = await serve();
      const desk = chatDesk();
      const own = () =>
        server.on('upgrade', (request, stream) => {
          if (request.url === '/own') stream.end('HTTP/1.1 299 Own\r\nContent-Length: 0\r\n\r\n');
        });
      if (order === 'before') own();
      attachTo(server, desk);
      if (order === 'after') own();
      expect(await upgrade(port, '/own')).toBe(299);
      expect(await upgrade(port, '/chat/ws')).toBe(101);
      expect(desk.refusals.all).toEqual([]);
    }
  });

  // Each of two would leave an unknown path to the other, and nobody would ever answer.
  it('at unknown paths are answered although two Troupes are attached', async () => {
    const { server, port } = await serve(says('application'));
    attachTo(server, createDesk({ '/one': {} }));
    attachTo(server, createDesk({ '/two': {} }));
    expect(await upgrade(port, '/one')).toBe(101);
    expect(await upgrade(port, '/two')).toBe(101);
    expect(await upgrade(port, '/three')).toBe(404);
  });

  // The second handler would take over a socket that the first has upgraded, which `ws` answers with a throw.
  it('are taken once although a Troupe is attached twice to the same server', async () => {
    const { server, port } = await serve(says('application'));
    const troupe = createTroupe({
      services: [defineService({ basePath: '/echo', onTextMessage: (connection, text) => connection.pushText(text) })],
    });
    onTestFinished(() => troupe.close());
    troupe.attach(server);
    troupe.attach(server);
    const thrown: unknown[] = [];
    const onThrow = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrow);
    onTestFinished(() => void process.off('uncaughtException', onThrow));
    const client = await rawConnect(port);
    client.write(handshake('/echo'));
    expect((await client.answer()).status).toBe(101);
    client.text('once');
    expect(await client.nextText()).toBe('once');
    expect(thrown).toEqual([]);
  });
});

describe('detaching', () => {
  it('gives the application its server back as it was', async () => {
    const listeners = [says('application'), says('never reached')];
    const { server, get } = await serve(listeners[0] as HttpListener);
    const before = server.listeners('request');
    const detach = attachTo(server, chatDesk());
    detach();
    expect(server.listeners('request')).toEqual(before);
    expect(server.listenerCount('upgrade')).toBe(0);
    expect(await get('/chat')).toBe('200 application');
  });

  it('keeps a listener that was added in between, and one upgrade listener of the application', async () => {
    const { server, get } = await serve((request, response) => {
      if (request.url === '/early') response.end('early');
    });
    const own = (): void => undefined;
    const detach = attachTo(server, createDesk());
    server.on('request', (request, response) => {
      if (request.url === '/late') response.end('late');
    });
    server.on('upgrade', own);
    detach();
    expect(await get('/early')).toBe('200 early');
    expect(await get('/late')).toBe('200 late');
    expect(server.listeners('upgrade')).toEqual([own]);
  });

  it('twice does nothing the second time', async () => {
    const { server } = await serve(says('application'));
    const detach = attachTo(server, createDesk());
    detach();
    detach();
    expect(server.listenerCount('request')).toBe(1);
  });

  it.each(['the one that came last first', 'the one that came first first'])(
    'of two, %s, leaves the application alone',
    async (title) => {
      const { server, get } = await serve(says('application'));
      const one = attachTo(server, createDesk({}, { findHttp: (path) => (path === '/one' ? says('one') : undefined) }));
      const two = attachTo(server, createDesk({}, { findHttp: (path) => (path === '/two' ? says('two') : undefined) }));
      expect([await get('/one'), await get('/two'), await get('/')]).toEqual(['200 one', '200 two', '200 application']);
      for (const detach of title.startsWith('the one that came last') ? [two, one] : [one, two]) detach();
      expect([await get('/one'), await get('/two'), await get('/')]).toEqual(Array(3).fill('200 application'));
      expect(server.listenerCount('request')).toBe(1);
    },
  );
});
