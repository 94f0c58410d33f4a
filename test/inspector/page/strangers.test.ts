import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { createTroupe, type InspectorOptions } from 'troupe';
import { SUBPROTOCOL } from 'troupe/inspector';
import { describe, expect, onTestFinished, test } from 'vitest';
import { watch } from '../../support/server.ts';
import { hasChromium, useChromium } from './chromium.ts';

/** What somebody's page gets of the inspector, by the way that it tries. */
interface Haul {
  readonly fetched: string;
  readonly fetchedBlindly: string;
  readonly script: string;
  readonly sockets: readonly string[];
}

/** Runs in a page: tries everything that a page can do with an address. */
async function grab({ base, subprotocol }: { base: string; subprotocol: string }): Promise<Haul> {
  const fetching = (init: RequestInit): Promise<string> =>
    fetch(base, { credentials: 'include', ...init }).then(
      async (response) => `${response.type} ${response.status} ${(await response.text()).length > 0}`,
      () => 'failed',
    );
  const connecting = (...protocols: string[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${base.replace('http', 'ws')}ws`, protocols);
      socket.addEventListener('message', () => resolve('told'));
      socket.addEventListener('close', () => resolve('failed'));
    });
  const script = new Promise<string>((resolve) => {
    const element = document.createElement('script');
    element.addEventListener('load', () => resolve('loaded'));
    element.addEventListener('error', () => resolve('failed'));
    element.src = `${base}stately.js`;
    document.head.append(element);
  });
  return {
    fetched: await fetching({}),
    fetchedBlindly: await fetching({ mode: 'no-cors' }),
    script: await script,
    sockets: [await connecting(), await connecting(subprotocol)],
  };
}

const nothing: Haul = { fetched: 'failed', fetchedBlindly: 'failed', script: 'failed', sockets: ['failed', 'failed'] };

async function run(inspector: InspectorOptions = {}) {
  const troupe = createTroupe({ inspector });
  const said = watch(troupe, 'inspector.listening');
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 0 } }));
  return { troupe, port, url: (await said.next()).url };
}

/** A server of somebody else's on this machine: an empty page. */
async function strange(): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>strange</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe.skipIf(!hasChromium)('the inspector, before strangers', { timeout: 60_000 }, () => {
  const { context, visit } = useChromium();

  const takes = (page: Page, base: string): Promise<Haul> => page.evaluate(grab, { base, subprotocol: SUBPROTOCOL });

  describe.each([
    ['with the cookie of somebody who may look', { loopback: false }],
    ['on this machine, where no token is needed', { loopback: true }],
  ] as const)('shows a page of somebody else’s %s', (_which, options) => {
    test.each([
      ['from another port', '127.0.0.1', '127.0.0.1'],
      ['from localhost at 127.0.0.1', 'localhost', '127.0.0.1'],
      ['from 127.0.0.1 at localhost', '127.0.0.1', 'localhost'],
    ])('nothing %s', async (_from, stranger, host) => {
      const { port, url } = await run(options);
      const within = await context();
      const base = `http://${host}:${port}/__inspector/`;
      const { page: own } = await visit(url.replace('127.0.0.1', host), within);
      await own.getByText('Connected to the server').waitFor();
      // The inspector's own page gets all that it tries: so the trying is not what fails.
      expect(await takes(own, base)).toEqual({
        fetched: 'basic 200 true',
        fetchedBlindly: 'basic 200 true',
        script: 'loaded',
        sockets: ['told', 'told'],
      });
      const { page } = await visit(`http://${stranger}:${await strange()}/`, within);
      expect(await takes(page, base)).toEqual(nothing);
    });
  });

  test('lets nobody show its pages within another', async () => {
    const { port, url } = await run();
    const within = await context();
    const { page: own } = await visit(url, within);
    await own.getByText('Connected to the server').waitFor();
    const { page } = await visit(`http://127.0.0.1:${await strange()}/`, within);
    for (const path of ['', 'stately', 'index.html', 'page.js']) {
      const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
      await page.evaluate((source) => {
        const frame = document.createElement('iframe');
        frame.src = source;
        document.body.append(frame);
      }, `http://127.0.0.1:${port}/__inspector/${path}`);
      await refused;
    }
  });

  test('is out of the hands of a page that opens it', async () => {
    const { port, url } = await run();
    const within = await context();
    await visit(url, within);
    const { page } = await visit(`http://127.0.0.1:${await strange()}/`, within);
    const opened = within.waitForEvent('page');
    await page.evaluate((address) => {
      Object.assign(globalThis, { held: open(address) });
    }, `http://127.0.0.1:${port}/__inspector/`);
    const inspector = await opened;
    await inspector.getByText('Connected to the server').waitFor();
    expect(await inspector.evaluate(() => opener === null)).toBe(true);
    expect(await page.evaluate(() => (globalThis as unknown as { held: Window }).held.closed)).toBe(true);
  });

  test.each([
    ['without a token', ''],
    ['with a wrong one', '?token=another-token-of-this-length'],
  ])('tells whoever comes %s so in a sentence, and nothing else', async (_which, query) => {
    const { port } = await run();
    const within = await context();
    const page = await within.newPage();
    const base = `http://127.0.0.1:${port}/__inspector/`;
    for (const path of ['', 'stately', 'page.js', 'ws']) {
      const response = await page.goto(`${base}${path}${query}`);
      expect(response?.status()).toBe(403);
      expect(await page.locator('body').innerText()).toMatch(
        /^No access\. Open the inspector with the address .*\.\n$/,
      );
    }
    expect(await page.evaluate(grab, { base, subprotocol: SUBPROTOCOL }).then(({ sockets }) => sockets)).toEqual(
      nothing.sockets,
    );
    expect(await within.cookies()).toEqual([]);
  });
});
