/**
 * The README's picture of the inspector is the inspector: a chat of the examples, looked at in a browser. This checks
 * that all that the picture shows can be drawn; with WRITE_PICTURES=1 it also makes the picture anew.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../../examples/showcase/server.ts';
import { connect } from '../support/client.ts';

const root = new URL('../../', import.meta.url).pathname;
const isWriting = Boolean(process.env['WRITE_PICTURES']);
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (executablePath === undefined) {
  console.warn('The inspector’s picture is not tested: no Chromium was found. On Debian: apt-get install chromium');
}
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
const size = { width: 1280, height: 1040 };
const schemes = ['light', 'dark'] as const;
const fileOf = (scheme: string): string => `docs/images/inspector-${scheme}.png`;

describe.skipIf(executablePath === undefined)('the view in the picture', { timeout: 60_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    const built = spawnSync(process.execPath, ['--import', 'tsx', 'src/inspector/page/build.ts'], { cwd: root });
    expect(built.stderr.toString()).toBe('');
    browser = await chromium.launch({ args: flags, ...(executablePath ? { executablePath } : {}) });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
  });

  it.each(schemes)('can be drawn, %s: two charts with their states lit, the log and the context', async (scheme) => {
    const { troupe, url } = await start({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
    const join = (path: string) => connect(`${url.replace('http', 'ws')}${path}`);
    const alice = await join('/chat/lobby');
    const [bob] = await Promise.all([join('/chat/lobby'), join('/chat/kitchen'), join('/orders/updates')]);
    await Promise.all(Array.from({ length: 4 }, () => join('/test/websocket')));
    bob.send('bob');

    const context = await browser.newContext({ viewport: size, colorScheme: scheme });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(troupe.inspector?.url ?? 'nowhere');
    await page.getByRole('link', { name: 'connections of /chat/{room}' }).click();
    await page.locator('.row-item a').first().click();
    await page.getByRole('heading', { name: 'The service’s machine: chat' }).waitFor();
    await page.locator('svg.chart').nth(1).waitFor();
    await page.locator('.chart [data-state="chat.naming"].active').waitFor();

    for (const text of ['alice', 'good morning', 'who is here?']) alice.send(text);
    const lit = [
      'connection.connected.lifecycle.open.ready',
      'connection.connected.outbound.flowing',
      'connection.connected.liveness.alive.heard',
      'chat.present.chatting.talking',
    ];
    await Promise.all(lit.map((state) => page.locator(`.chart [data-state="${state}"].active`).waitFor()));
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
