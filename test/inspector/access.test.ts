import { createServer, get, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTroupe, defineService } from 'troupe';
import { SUBPROTOCOL } from 'troupe/inspector';
import { connect, refused } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';
import { serveInspected, WS } from './support.ts';

const token = 'a-token-of-enough-characters';
const echo = () => defineService({ basePath: '/echo', onTextMessage() {} });

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function fetchFrom(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return answerTo(get(url, { headers }));
}

async function answerTo(request: ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

describe('a server without the option', () => {
  it('has no inspector', async () => {
    const server = await serve([echo()]);
    expect(server.troupe.inspector).toBeUndefined();
    expect(await refused(server.url(WS))).toMatchObject({ status: 404 });
    expect(await fetchFrom(server.http('/__inspector/'))).toMatchObject({ status: 404 });
  });
});

describe('the address of the inspector', () => {
  it('is said once, with a random token, when the server listens', async () => {
    const troupe = createTroupe({ inspector: true });
    onTestFinished(() => troupe.close());
    expect(troupe.inspector).toMatchObject({ path: '/__inspector', url: undefined });
    const said = watch(troupe, 'inspector.listening');
    const { url } = await troupe.listen();
    expect(said.all).toEqual([{ url: `${url}/__inspector/?token=${troupe.inspector!.token}` }]);
    expect(troupe.inspector!.url).toBe(said.all[0]!.url);
    expect(troupe.inspector!.token).toMatch(/^[\w-]{32}$/);
    expect(createTroupe({ inspector: true }).inspector!.token).not.toBe(troupe.inspector!.token);
  });

  it('is written to standard error when nobody listens for it', async () => {
    const troupe = createTroupe({ inspector: true });
    onTestFinished(() => troupe.close());
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => write.mockRestore());
    await troupe.listen();
    expect(write.mock.calls).toEqual([[`The inspector, for whoever has this address: ${troupe.inspector!.url}\n`]]);
  });

  it('is one that can be opened, also when all addresses are bound', async () => {
    const troupe = createTroupe({ inspector: { path: '/tools/look', token } });
    onTestFinished(() => troupe.close());
    const { port } = await troupe.listen({ host: '0.0.0.0' });
    expect(troupe.inspector!.url).toBe(`http://localhost:${port}/tools/look/?token=${token}`);
  });
});

describe('a stranger', () => {
  const strict = { token };

  it.each([
    ['without a token', '', {}],
    ['with a wrong token', '?token=wrong', {}],
    ['with an empty one', '?token=', {}],
    ['from a page of another origin', `?token=${token}`, { Origin: 'https://evil.example' }],
    ['from a page without an origin', `?token=${token}`, { Origin: 'null' }],
  ] as const)('gets 403 and nothing else %s', async (_case, query, headers) => {
    const server = await serveInspected([echo()], strict);
    const viewed = await refused(server.url(WS + query), { headers, protocols: SUBPROTOCOL });
    expect(viewed).toMatchObject({ status: 403, body: '403 Forbidden: no access\n' });
    for (const path of ['/__inspector', '/__inspector/', '/__inspector/index.html', '/__inspector/anything', WS]) {
      const answer = await fetchFrom(server.http(path + query), headers);
      expect(answer).toMatchObject({ status: 403, body: expect.stringMatching(/^No access\. Open .*\.\n$/) });
      expect(answer.headers).not.toHaveProperty('set-cookie');
    }
  });

  it('is not let in for knowing this machine under another name', async () => {
    const server = await serveInspected([echo()], { loopback: true });
    expect(await refused(server.url(WS), { headers: { Host: 'evil.example' } })).toMatchObject({ status: 403 });
    expect(await fetchFrom(server.http('/__inspector/'), { Host: 'evil.example' })).toMatchObject({ status: 403 });
  });

  it('is told of in the events, as every refused upgrade', async () => {
    const server = await serveInspected([echo()], strict);
    const refusals = watch(server.troupe, 'upgrade.refused');
    await refused(server.url(WS));
    expect(refusals.all).toMatchObject([{ status: 403, path: WS }]);
  });
});

describe('whoever is let in', () => {
  const strict = { token };

  it('is let in by it, and sent on to an address without it', async () => {
    const server = await serveInspected([echo()], strict);
    const answer = await fetchFrom(server.http(`/__inspector/?token=${token}`));
    expect(answer).toMatchObject({ status: 303, headers: { location: '/__inspector/', 'cache-control': 'no-store' } });
    const [cookie] = answer.headers['set-cookie']!;
    expect(cookie).toMatch(/; Path=\/__inspector; HttpOnly; SameSite=Strict$/);
    const headers = { Cookie: cookie!.split(';')[0]! };
    expect(await fetchFrom(server.http('/__inspector/none.js'), headers)).toMatchObject({ status: 404 });
    const viewer = await server.view({ headers });
    await viewer.until('troupe.overview');
  });

  it('may be a program on this machine, if the option says so', async () => {
    const server = await serveInspected([echo()], { loopback: true });
    const client = await connect(server.url(WS), { protocols: SUBPROTOCOL });
    expect(await client.next()).toContain('"type":"troupe.hello"');
  });

  it('may look without a page', async () => {
    const server = await serveInspected([echo()], strict);
    const client = await connect(server.url(`${WS}?token=${token}`), { protocols: SUBPROTOCOL });
    expect(await client.next()).toContain('"type":"troupe.hello"');
  });

  it('may look from a page of the server itself, or of one that is allowed', async () => {
    const server = await serveInspected([echo()], { allowedOrigins: ['https://tools.example'] });
    for (const origin of [server.http(''), 'https://tools.example']) {
      const viewer = await server.view({ origin });
      await viewer.until('troupe.hello');
    }
  });
});

describe('the inspector beneath its path', () => {
  it('answers with headers that let nothing foreign in', async () => {
    const server = await serveInspected([echo()], { loopback: true });
    const { status, headers } = await fetchFrom(server.http('/__inspector/none'));
    expect(status).toBe(404);
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it.each(['/../../package.json', '/..%2f..%2fpackage.json', '/.git', '/a/../../../package.json', '//etc/passwd'])(
    'leads to no other file: %s',
    async (path) => {
      const server = await serveInspected([echo()], { loopback: true });
      // As it stands: a URL would be made shorter first.
      const request = get({ host: '127.0.0.1', port: server.port, path: `/__inspector/x${path}` });
      const { status, body } = await answerTo(request);
      expect(status).toBe(404);
      expect(body).toBe('there is nothing at this path\n');
    },
  );

  // A request for a whole URL, as to a proxy, was sent on to the host that stood in it.
  it('sends nobody on to another host', async () => {
    const server = await serveInspected([echo()], { token });
    const path = `http://evil.example/__inspector/?token=${token}`;
    const { status, headers } = await answerTo(get({ host: '127.0.0.1', port: server.port, path }));
    expect([status, headers.location]).toEqual([303, '/__inspector/']);
  });

  it('takes no other method than GET and HEAD', async () => {
    const server = await serveInspected([echo()], { loopback: true });
    for (const method of ['POST', 'OPTIONS', 'PUT', 'DELETE']) {
      const { status, headers } = await answerTo(request(server.http('/__inspector/'), { method }).end());
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('sends on from its bare path, and says that its socket is one', async () => {
    const server = await serveInspected([echo()], { loopback: true });
    expect(await fetchFrom(server.http('/__inspector'))).toMatchObject({
      status: 303,
      headers: { location: '/__inspector/' },
    });
    expect(await fetchFrom(server.http(WS))).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
  });

  it('is where no service may be', async () => {
    const beneath = defineService({ basePath: '/__inspector', webSocketUpgradePath: '/mine', onTextMessage() {} });
    const error = { code: 'TROUPE_INSPECTOR_PATH_TAKEN', fields: expect.objectContaining({ path: '/__inspector' }) };
    expect(() => createTroupe({ services: [beneath], inspector: true })).toThrow(expect.objectContaining(error));
    expect(() => createTroupe({ services: [beneath], inspector: { path: '/elsewhere' } })).not.toThrow();
    const everywhere = defineService({ basePath: '/', webSocketUpgradePath: '/{any}/{more}', onTextMessage() {} });
    const server = await serveInspected([everywhere]);
    await (await server.view()).until('troupe.hello');
    await connect(server.url('/some/thing'));
  });
});

describe('the inspector of a Troupe that is attached to an application', () => {
  it('is served by the application’s server, and gone when the Troupe is closed', async () => {
    const application = createServer((_request, response) => response.end('mine'));
    application.listen(0, '127.0.0.1');
    await once(application, 'listening');
    onTestFinished(() => {
      application.close();
    });
    const { port } = application.address() as AddressInfo;
    const troupe = createTroupe({ services: [echo()], inspector: true });
    troupe.attach(application);
    const viewer = await connect(`ws://127.0.0.1:${port}${WS}?token=${troupe.inspector!.token}`, {
      protocols: SUBPROTOCOL,
    });
    expect(await viewer.next()).toContain('troupe.hello');
    expect(await fetchFrom(`http://127.0.0.1:${port}/other`)).toMatchObject({ body: 'mine' });
    expect(troupe.inspector).toMatchObject({ path: '/__inspector', url: undefined });
    await troupe.close();
    expect(await viewer.closed).toMatchObject({ code: 1001 });
    expect(await fetchFrom(`http://127.0.0.1:${port}/__inspector/`)).toMatchObject({ body: 'mine' });
  });
});

describe('too many viewers', () => {
  it('are asked to come back later', async () => {
    const server = await serveInspected([]);
    for (let viewers = 0; viewers < 16; viewers++) await server.view();
    expect(await refused(server.viewersUrl)).toMatchObject({ status: 503 });
  });
});
