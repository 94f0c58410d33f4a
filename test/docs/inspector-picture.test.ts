/**
 * The README's picture of the inspector is the inspector: a chat of the examples, looked at in a browser. This checks
 * that all that the picture shows can be drawn; with WRITE_PICTURES=1 it also makes the picture anew.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../../examples/showcase/server.ts';
import { hasChromium, lit, useChromium } from '../inspector/page/chromium.ts';
import { connect } from '../support/client.ts';

const root = new URL('../../', import.meta.url).pathname;
const isWriting = Boolean(process.env['WRITE_PICTURES']);
const size = { width: 1280, height: 1040 };
const schemes = ['light', 'dark'] as const;
const fileOf = (scheme: string): string => `docs/images/inspector-${scheme}.png`;

describe.skipIf(!hasChromium)('the view in the picture', { timeout: 60_000 }, () => {
  const { open } = useChromium();

  it.each(schemes)('can be drawn, %s: two charts with their states lit, the log and the context', async (scheme) => {
    const { troupe, url } = await start({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
    const join = (path: string) => connect(`${url.replace('http', 'ws')}${path}`);
    const alice = await join('/chat/lobby');
    const [bob] = await Promise.all([join('/chat/lobby'), join('/chat/kitchen'), join('/orders/updates')]);
    await Promise.all(Array.from({ length: 4 }, () => join('/test/websocket')));
    bob.send('bob');

    const { page } = await open(troupe.inspector?.url ?? 'nowhere', { viewport: size, colorScheme: scheme });
    await page.getByRole('link', { name: 'connections of /chat/{room}' }).click();
    await page.locator('.row-item a').first().click();
    await page.getByRole('heading', { name: 'The service’s machine: chat' }).waitFor();
    await page.locator('svg.chart').nth(1).waitFor();
    await lit(page, 'chat.naming');

    for (const text of ['alice', 'good morning', 'who is here?']) alice.send(text);
    const states = [
      'connection.connected.lifecycle.open.ready',
      'connection.connected.outbound.flowing',
      'connection.connected.liveness.alive.heard',
      'chat.present.chatting.talking',
    ];
    await Promise.all(states.map((state) => lit(page, state)));
    await page.locator('.step', { hasText: 'ws.text service → present.chatting.talking' }).nth(1).waitFor();
    await page.locator('.step', { hasText: 'handler.settled connection → open.ready, flowing' }).first().waitFor();
    await page.locator('.panel pre', { hasText: '"nick": "alice"' }).waitFor();
    await page.locator('.edge.taken').first().waitFor();
    expect(await page.locator('.panel-head .badge').allTextContents()).toEqual(['open', 'flowing', 'alive']);
    // All of both charts is in sight.
    const beyond = await page
      .locator('.pane')
      .evaluateAll((panes) => panes.map((it) => [it.scrollWidth > it.clientWidth, it.scrollHeight > it.clientHeight]));
    expect(beyond.flat()).toEqual([false, false, false, false]);
    if (isWriting) await page.screenshot({ path: `${root}${fileOf(scheme)}`, animations: 'disabled' });
  });
});

it.each(schemes)('the picture, %s, is in the README, and small', (scheme) => {
  expect(readFileSync(`${root}README.md`, 'utf8')).toContain(fileOf(scheme));
  const picture = readFileSync(`${root}${fileOf(scheme)}`);
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([size.width, size.height]);
  expect(picture.length).toBeLessThan(200_000);
});
