import { build } from 'esbuild';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import type { BrowserContext, Frame, Page } from 'playwright-core';
import { createTroupe, type InspectorOptions, type Troupe } from 'troupe';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { chat } from '../../../examples/chat/service.ts';
import { connect } from '../../support/client.ts';
import { hasChromium, useChromium, type Opened } from './chromium.ts';

const hosted = 'https://stately.ai/inspect';
const token = 'a-token-of-this-test';

/** What the stand-in for the hosted page keeps where the test finds it. */
interface StandIn {
  received: StatelyInspectionEvent[];
  /** Creates a receiver, as the hosted page does once it has begun. */
  listen(): void;
}

/** As much of the hosted page as is known: it uses the package's own receiver. */
async function bundleStandIn(): Promise<string> {
  const contents = `
    import { createBrowserReceiver } from '@statelyai/inspect';
    window.received = [];
    window.listen = () => createBrowserReceiver().subscribe((event) => window.received.push(event));
  `;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
  });
  return outputFiles[0]!.text.replaceAll('</script', String.raw`<\/script`);
}

async function run(port = 0, inspector: InspectorOptions = {}): Promise<{ troupe: Troupe; at: string; port: number }> {
  const troupe = createTroupe({ services: [chat], inspector: { token, ...inspector } });
  troupe.on('inspector.listening', () => {});
  const listening = await troupe.listen({ port, host: '127.0.0.1' });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 0 } }));
  return { troupe, at: `127.0.0.1:${listening.port}`, port: listening.port };
}

describe.skipIf(!hasChromium)('the page that Stately’s is shown in', { timeout: 60_000 }, () => {
  const { context, visit } = useChromium();
  let standIn: string;

  beforeAll(async () => {
    standIn = await bundleStandIn();
  });

  /** A browser in which the internet is this: `pages` by their address. */
  async function internet(pages: Readonly<Record<string, string>>): Promise<BrowserContext> {
    const within = await context();
    for (const [url, body] of Object.entries(pages)) {
      await within.route(url, (route) => route.fulfill({ contentType: 'text/html', body }));
    }
    return within;
  }
  const ready = (): Promise<BrowserContext> => internet({ [hosted]: `<script>${standIn};listen()</script>` });
  const waiting = (): Promise<BrowserContext> => internet({ [hosted]: `<script>${standIn}</script>` });

  const bridge = (at: string, within: BrowserContext): Promise<Opened> =>
    visit(`http://${at}/__inspector/stately?token=${token}`, within);

  /** Presses the button; the frame that it loads. */
  async function press(page: Page): Promise<Frame> {
    const loaded = page.waitForEvent('framenavigated', (frame) => frame.url() === hosted);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    return loaded;
  }

  /** Writes down whose messages have come to the page. */
  const noteOrigins = (page: Page): Promise<void> =>
    page.evaluate(() => {
      const heard = new Set<string>();
      addEventListener('message', ({ origin }) => {
        heard.add(origin);
        document.documentElement.dataset['heard'] = [...heard].toSorted().join(' ');
      });
    });

  const received = (frame: Frame): Promise<StatelyInspectionEvent[]> =>
    frame.evaluate(() => (globalThis as unknown as StandIn).received);

  /** Waits until the frame has received something that looks like all of `parts`. */
  const receives = (frame: Frame, ...parts: readonly string[]): Promise<unknown> =>
    frame.waitForFunction(
      (parts) =>
        (globalThis as unknown as StandIn).received.some((event) => {
          const text = JSON.stringify(event);
          return parts.every((part) => text.includes(part));
        }),
      parts,
    );

  test('is found from the inspector, and connects to nothing before it is told to', async () => {
    const { at } = await run();
    const within = await ready();
    const { page, strangers } = await visit(`http://${at}/__inspector/?token=${token}`, within);
    await page.getByRole('link', { name: 'Stately’s inspector' }).click();
    await page.getByText('nothing is loaded from Stately, and nothing is handed on').waitFor();
    expect(page.url()).toBe(`http://${at}/__inspector/stately`);
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    expect(page.frames()).toHaveLength(1);
    expect(strangers).toEqual([]);

    await receives(await press(page), '"name":"supervisor"');
    expect(strangers).toEqual([hosted]);
    expect(sockets).toEqual([`ws://${at}/__inspector/ws`]);
  });

  test('hands on actors, events and snapshots of real connections to the receiver of the package', async () => {
    const { at } = await run(0, { redact: false });
    const alice = await connect(`ws://${at}/chat/lobby`);
    const { page, complaints } = await bridge(at, await ready());
    const frame = await press(page);
    await page.getByText('Handed on to the page of Stately’s').waitFor();
    alice.send('alice');
    await receives(frame, '@xstate.event', '"text":"alice"');
    await receives(frame, '@xstate.snapshot', '"nick":"alice"');

    const events = await received(frame);
    const actors = events.filter((event) => event.type === '@xstate.actor');
    expect(actors.map(({ name }) => name)).toEqual(expect.arrayContaining(['supervisor', 'groups', 'service']));
    const known = new Set(actors.map(({ sessionId }) => sessionId));
    expect(events.filter(({ sessionId }) => !known.has(sessionId))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('keeps what happens before Stately’s page listens', async () => {
    const { at } = await run(0, { redact: false });
    const alice = await connect(`ws://${at}/chat/lobby`);
    const { page } = await bridge(at, await waiting());
    const opened = page
      .waitForEvent('websocket')
      .then((socket) => socket.waitForEvent('framereceived', ({ payload }) => payload.includes('"nick":"alice"')));
    const frame = await press(page);
    await page.getByText('Connected to the server').waitFor();
    await page.getByText('has not answered yet').waitFor();
    alice.send('alice');
    await opened;
    expect(await received(frame)).toEqual([]);
    await frame.evaluate(() => (globalThis as unknown as StandIn).listen());
    await receives(frame, '@xstate.snapshot', '"nick":"alice"');
    expect((await received(frame))[0]).toMatchObject({ type: '@xstate.actor', name: 'supervisor' });
  });

  test('believes no other page that says it listens, wherever it is', async () => {
    const impostor = `<script>
      window.received = [];
      addEventListener('message', ({ data }) => received.push(data));
      for (const target of [top, parent]) target.postMessage({ type: '@statelyai.connected' }, '*');
    </script>`;
    const within = await internet({
      [hosted]: `<script>${standIn}</script><iframe src="https://evil.example/"></iframe><iframe src="/nested"></iframe>`,
      'https://evil.example/': impostor,
      'https://stately.ai/nested': impostor,
    });
    const { at } = await run();
    const { page } = await bridge(at, within);
    await noteOrigins(page);
    const frame = await press(page);
    await page.locator('[data-heard="https://evil.example https://stately.ai"]').waitFor();
    await page.getByText('has not answered yet').waitFor();

    await frame.evaluate(() => (globalThis as unknown as StandIn).listen());
    await receives(frame, '"name":"supervisor"');
    for (const nested of frame.childFrames()) expect(await received(nested)).toEqual([]);
  });

  test('believes the page in its frame for its origin, not for its place', async () => {
    const within = await context();
    const headers = { 'Content-Type': 'text/html', 'Content-Security-Policy': 'sandbox allow-scripts' };
    await within.route(hosted, (route) => route.fulfill({ headers, body: `<script>${standIn};listen()</script>` }));
    const { at } = await run();
    const { page } = await bridge(at, within);
    await noteOrigins(page);
    await press(page);
    await page.locator('[data-heard="null"]').waitFor();
    await page.getByText('has not answered yet').waitFor();
  });

  test('shows no page of anybody else in its frame', async () => {
    const { at } = await run();
    const within = await ready();
    await within.route('https://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body: 'evil' }));
    const { page } = await bridge(at, within);
    const frame = await press(page);
    await receives(frame, '"name":"supervisor"');
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-src https://stately.ai'));
    await frame.evaluate(() => {
      location.href = 'https://evil.example/';
    });
    await refused;
    expect(await page.locator('iframe').contentFrame().getByText('evil', { exact: true }).count()).toBe(0);
  });

  test('says that the server is gone, and begins again with a new page when it is back', async () => {
    const first = await run();
    const { page } = await bridge(first.at, await ready());
    const before = await press(page);
    await receives(before, '"name":"supervisor"');
    await first.troupe.close({ drain: { timeoutMs: 0 } });
    await page.getByText('The server does not answer').waitFor();
    expect((await received(before)).length).toBeGreaterThan(0);

    await run(first.port);
    const alice = await connect(`ws://${first.at}/chat/lobby`);
    const loaded = page.waitForEvent('framenavigated', (frame) => frame.url() === hosted);
    const after = await loaded;
    await receives(after, '@xstate.actor', '"name":"service"');
    alice.send('alice');
    await receives(after, '@xstate.snapshot', 'ws.text');
    expect(before.isDetached()).toBe(true);
    await page.getByText('Connected to the server').waitFor();
  });

  test('can be left: then Stately’s page is gone, and nobody looks any more', async () => {
    const { at } = await run();
    const { page } = await bridge(at, await ready());
    const closed = page.waitForEvent('websocket').then((socket) => socket.waitForEvent('close'));
    await receives(await press(page), '"name":"supervisor"');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await closed;
    await page.getByText('Not connected').waitFor();
    expect(page.frames()).toHaveLength(1);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('connect');
  });
});
