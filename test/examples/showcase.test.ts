import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { start } from '../../examples/showcase/server.ts';
import { createSite } from '../../examples/showcase/site.ts';
import type { Line } from '../../examples/showcase/feed.ts';
import { connect, refused, type Client } from '../support/client.ts';

async function run() {
  const running = await start({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => running.troupe.close({ drain: { timeoutMs: 100 } }));
  return { ...running, webSocketUrl: running.url.replace('http', 'ws') };
}

/** Reads the feed line by line. */
function linesOf(client: Client): () => Promise<Line> {
  const waiting: Line[] = [];
  return async () => {
    for (;;) {
      const line = waiting.shift();
      if (line) return line;
      for (const text of String(await client.next()).split('\n')) waiting.push(JSON.parse(text) as Line);
    }
  };
}

async function until(next: () => Promise<Line>, fits: (line: Line) => boolean): Promise<Line[]> {
  const lines: Line[] = [];
  for (;;) {
    const line = await next();
    lines.push(line);
    if (fits(line)) return lines;
  }
}

describe('the feed of states', () => {
  test('tells the life of a connection, from opened over message to closed', async () => {
    const { webSocketUrl } = await run();
    const next = linesOf(await connect(`${webSocketUrl}/showcase/states`));
    expect(await next()).toEqual({ change: 'listing', more: false });

    const hello = await connect(`${webSocketUrl}/test/websocket`);
    hello.send('hi');
    await hello.take(2);
    await hello.close(1000);
    const lines = await until(next, ({ change }) => change === 'closed');
    const states = lines.map((line) => ('state' in line ? line.state : line.change));
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
      'open',
      'message',
      'open',
      'closing',
      'closed',
    ]);
    expect(lines[0]).toMatchObject({
      change: 'opened',
      service: '/test/websocket',
      outbound: 'flowing',
      liveness: 'alive',
    });
  });

  test('tells where the machine of a chat is', async () => {
    const { webSocketUrl } = await run();
    const next = linesOf(await connect(`${webSocketUrl}/showcase/states`));
    const alice = await connect(`${webSocketUrl}/chat/lobby`);
    alice.send('alice');
    await alice.take(2);
    alice.send('/leave');
    const lines = await until(next, ({ change }) => change === 'closed');
    const machines = lines.flatMap((line) => (line.change === 'behaving' ? [line.machine] : []));
    expect(machines).toEqual(['naming', { present: { chatting: 'quiet' } }, 'left']);
  });

  test('lists what is open already, with the states of machines', async () => {
    const { webSocketUrl } = await run();
    const alice = await connect(`${webSocketUrl}/chat/lobby`);
    await alice.next();
    const next = linesOf(await connect(`${webSocketUrl}/showcase/states`));
    const [first, second] = [await next(), await next()];
    expect(first).toEqual({ change: 'listing', more: false });
    expect(second).toMatchObject({
      value: { connected: { lifecycle: { open: 'ready' } } },
      change: 'listed',
      service: '/chat/{room}',
      state: 'open',
      machine: 'naming',
    });
  });

  test('holds no payload, no address and no word about watchers', async () => {
    const { webSocketUrl } = await run();
    const watcher = await connect(`${webSocketUrl}/showcase/states`);
    const next = linesOf(watcher);
    await connect(`${webSocketUrl}/showcase/states`);
    const alice = await connect(`${webSocketUrl}/chat/secret-room`);
    alice.send('secret-nick');
    await alice.take(2);
    alice.send('secret-text');
    await alice.next();
    await alice.close();
    await until(next, ({ change }) => change === 'closed');
    const everything = watcher.messages.all.join('\n');
    expect(everything).not.toMatch(/secret|127\.0\.0\.1|showcase/);
    const fields = everything.split('\n').flatMap((line) => Object.keys(JSON.parse(line) as object));
    expect(new Set(fields)).toEqual(
      new Set(['change', 'more', 'id', 'service', 'state', 'outbound', 'liveness', 'value', 'machine']),
    );
  });

  test('leaves out what is too quick to see, says so, and lists again on request', async () => {
    const { webSocketUrl } = await run();
    const watcher = await connect(`${webSocketUrl}/showcase/states`);
    const next = linesOf(watcher);
    await next();
    const hello = await connect(`${webSocketUrl}/test/websocket`);
    for (let n = 0; n < 2000; n += 1) hello.send('x');
    await hello.take(2001);
    await until(next, ({ change }) => change === 'skipped');
    // The first is answered, the others tell nothing new.
    for (const _ of [1, 2, 3]) watcher.send('list');
    await until(next, ({ change }) => change === 'listing');
    expect(await next()).toMatchObject({ change: 'listed', service: '/test/websocket' });
    await hello.close();
    const rest = await until(next, ({ change }) => change === 'closed');
    expect(rest.map(({ change }) => change)).not.toContain('listing');
  });
});

describe('the site', () => {
  test('serves every file of the page with its type, and nothing that could load from elsewhere', async () => {
    const { url } = await run();
    const types: Record<string, string> = {
      html: 'text/html; charset=utf-8',
      css: 'text/css; charset=utf-8',
      js: 'text/javascript; charset=utf-8',
      svg: 'image/svg+xml',
    };
    for (const file of readdirSync(new URL('../../examples/page/', import.meta.url))) {
      const response = await fetch(`${url}/${file === 'index.html' ? '' : file}`);
      expect([file, response.status]).toEqual([file, 200]);
      expect(response.headers.get('content-type')).toBe(types[file.split('.')[1] ?? '']);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
      expect(await response.text()).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[a-z]/);
    }
  });

  test.each(['/../package.json', '/%2e%2e/package.json', '/..%2fserver.ts', '/page/app.js', '//', '/\0', '/app.js/'])(
    'has nothing at %j',
    async (path) => {
      const { url } = await run();
      expect(await rawStatus(url, `GET ${path} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 40[04] /);
    },
  );

  test('links to the inspector, which is there', async () => {
    const { url, troupe } = await run();
    const page = await (await fetch(url)).text();
    const link = /href="(\/__inspector[^"]*)"/.exec(page)?.[1];
    expect(link).toBe(`${troupe.inspector?.path}/`);
    // Its page need not have been built for this: the path of its WebSocket answers as well.
    expect((await fetch(`${url}${link}ws`)).status).toBe(426);
  });

  test('says why there is no inspector where other machines reach it', async () => {
    const server = createServer(createSite(() => false)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/__inspector/`);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('other machines')]);
  });

  test('answers HEAD without a body, and 405 to whoever writes', async () => {
    const { url } = await run();
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test('tells a browser that looks for a page on a WebSocket endpoint what it is', async () => {
    const { url } = await run();
    const response = await fetch(`${url}/chat/lobby`);
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  test('refuses a WebSocket that a page of another origin opens', async () => {
    const { webSocketUrl } = await run();
    expect((await refused(`${webSocketUrl}/test/websocket`, { origin: 'http://evil.example' })).status).toBe(403);
  });
});

/** The first line of the answer to a request that no well-behaved client would send. */
function rawStatus(url: string, requestLine: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString('latin1').split('\r\n')[0] ?? '');
    });
    socket.write(`${requestLine}\r\nHost: localhost\r\n\r\n`, 'latin1');
  });
}
