import type { Locator, Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { start } from '../../examples/showcase/server.ts';
import { connect } from '../support/client.ts';
import { hasChromium, useChromium } from '../inspector/page/chromium.ts';

async function run(port = 0) {
  const running = await start({ port, host: '127.0.0.1' });
  onTestFinished(() => running.troupe.close({ drain: { timeoutMs: 100 } }));
  return { ...running, webSocketUrl: running.url.replace('http', 'ws') };
}

describe.skipIf(!hasChromium)('the page', { timeout: 30_000 }, () => {
  const { open } = useChromium();

  const log = (page: Page, panel: string) => page.getByRole('log', { name: `${panel} messages` });
  const received = (page: Page, panel: string, text: string) =>
    log(page, panel).locator('.entry.in', { hasText: text }).last().waitFor();

  /** The box of a state, as soon as it is lit. */
  async function lit(page: Page, panel: string, ...states: string[]): Promise<void> {
    for (const state of states) await page.locator(`#${panel} [data-state="${state}"].active`).waitFor();
  }

  async function connectPanel(page: Page, panel: string): Promise<void> {
    await page.getByRole('button', { name: `Connect ${panel}` }).click();
    await page.locator(`#${panel}-text:enabled`).waitFor();
  }

  async function say(page: Page, panel: string, text: string): Promise<void> {
    await page.locator(`#${panel}-text`).fill(text);
    await page.locator(`#${panel}-text`).press('Enter');
  }

  const visited = (page: Page, panel: string): Locator => page.locator(`#${panel} .trail li`);

  test('hello connects, echoes and closes, and lights each state on the way', async () => {
    const { url } = await run();
    const { page, complaints } = await open(url);
    await connectPanel(page, 'hello');
    await lit(page, 'hello', 'open', 'ready', 'flowing', 'alive');

    await say(page, 'hello', 'good morning');
    await received(page, 'hello', 'good morning');
    await visited(page, 'hello').filter({ hasText: 'message' }).first().waitFor();
    await page.locator('#hello [data-state="message"].visited').waitFor();

    await page.getByRole('button', { name: 'Disconnect hello' }).click();
    await lit(page, 'hello', 'closed');
    await visited(page, 'hello').filter({ hasText: 'closing' }).waitFor();
    expect(await visited(page, 'hello').first().textContent()).toBe('opening');
    expect(await page.locator('#hello .state.active').allTextContents()).toEqual(['closed']);
    await page.locator('#hello [data-part="note"]', { hasText: '1000, closed normally' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('chat goes from naming to chatting to muted, then leaves', async () => {
    const { url } = await run();
    const { page } = await open(url);
    await connectPanel(page, 'chat');
    await lit(page, 'chat', 'naming', 'ready');
    await page.getByLabel('Your name').waitFor();

    await say(page, 'chat', 'alice');
    await lit(page, 'chat', 'present', 'chatting');
    await received(page, 'chat', '* alice joined');

    for (const text of ['1', '2', '3', '4', '5', '6']) await say(page, 'chat', text);
    await lit(page, 'chat', 'muted');
    await page.getByLabel('Message (you are muted)').waitFor();
    await received(page, 'chat', '* alice is muted for 10 s');

    await say(page, 'chat', '/leave');
    await lit(page, 'chat', 'left', 'closed');
  });

  test('an order notification arrives that another program posted', async () => {
    const { url } = await run();
    const { page } = await open(url);
    await connectPanel(page, 'orders');
    await say(page, 'orders', 'alice');
    await received(page, 'orders', 'Watching "alice".');
    const answer = await fetch(`${url}/notify/alice`, { method: 'POST', body: 'Your soup is ready' });
    expect(answer.status).toBe(202);
    await received(page, 'orders', 'Your soup is ready');
  });

  test('the form pushes to a name and to a group, and removes them', async () => {
    const { url } = await run();
    const { page } = await open(url);
    await connectPanel(page, 'orders');
    await say(page, 'orders', 'alice');
    await say(page, 'orders', 'join kitchen');
    await received(page, 'orders', 'In group "kitchen".');

    const result = page.locator('#push-result');
    await page.getByRole('button', { name: 'Push' }).click();
    await result.filter({ hasText: '202: delivered, 1 connection' }).waitFor();
    await received(page, 'orders', 'Your order is ready');

    await page.getByLabel('To', { exact: true }).selectOption('a group');
    await page.getByLabel('Called').fill('kitchen');
    await page.getByLabel('Text').fill("it's soup");
    await page.getByRole('button', { name: 'Push' }).click();
    await received(page, 'orders', "it's soup");
    expect(await page.locator('#push-command').textContent()).toBe(
      `curl -X POST --data 'it'\\''s soup' ${url}/groups/kitchen`,
    );

    await page.getByRole('button', { name: 'Remove' }).click();
    await result.filter({ hasText: '200: ok' }).waitFor();
    await page.getByRole('button', { name: 'Push' }).click();
    await result.filter({ hasText: '404: Nothing is known under "kitchen".' }).waitFor();
  });

  test('everything can be reached and used with the keyboard alone', async () => {
    const { url } = await run();
    const { page } = await open(url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to');

    const named = (name: string) => page.getByRole('button', { name }).evaluate((it) => it === document.activeElement);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Open the inspector');
    await page.keyboard.press('Tab');
    expect(await named('Connect hello')).toBe(true);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.locator('#hello-text:enabled').waitFor();
    await page.keyboard.press('Tab');
    expect(await log(page, 'Hello').evaluate((it) => it === document.activeElement)).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await received(page, 'Hello', 'typed');

    const reached = new Set<string>();
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.id ?? ''));
    }
    for (const id of ['chat-room', 'push-kind', 'push-target', 'push-text']) expect(reached).toContain(id);
  });

  test('every control has a name', async () => {
    const { url } = await run();
    const { page } = await open(url);
    const nameless = await page.locator('button, input, select').evaluateAll((controls) =>
      controls
        .filter((it) => {
          const { labels } = it as HTMLInputElement;
          return !it.textContent?.trim() && !it.getAttribute('aria-label') && !labels?.length;
        })
        .map((it) => it.outerHTML),
    );
    expect(nameless).toEqual([]);
  });

  test.each([
    ['light', 360],
    ['dark', 360],
    ['light', 768],
    ['light', 1280],
  ] as const)('in %s, at %d pixels, nothing is wider than the screen', async (colorScheme, width) => {
    const { url } = await run();
    const { page } = await open(url, { viewport: { width, height: 740 }, colorScheme });
    for (const panel of ['hello', 'chat', 'orders']) await connectPanel(page, panel);
    const long = 'x'.repeat(300);
    await say(page, 'hello', long);
    await received(page, 'Hello', long);
    await say(page, 'chat', 'a'.repeat(24));
    await lit(page, 'chat', 'chatting');
    await page.getByLabel('Text').fill(long);
    await page.locator('#connections-rows tr.mine').nth(2).waitFor();
    const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(needed).toBe(given);
  });

  test('the table shows the connections of others as they come and go, and marks one’s own', async () => {
    const { url, webSocketUrl } = await run();
    const { page } = await open(url);
    const rows = page.locator('#connections-rows tr');
    const early = await connect(`${webSocketUrl}/test/websocket`);
    await rows.first().waitFor();
    expect(await rows.first().textContent()).not.toContain('yours');

    await connectPanel(page, 'hello');
    await page.locator('#connections-rows tr.mine', { hasText: 'yours' }).waitFor();
    expect(await rows.count()).toBe(2);
    await early.close();
    await page.getByText('1 open').waitFor();
    expect(await rows.count()).toBe(1);
  });

  test('what others write is shown as text and never becomes part of the page', async () => {
    const { url, webSocketUrl } = await run();
    const { page, complaints } = await open(url);
    await connectPanel(page, 'chat');
    await say(page, 'chat', 'alice');
    await received(page, 'Chat', 'alice joined');
    const mallory = await connect(`${webSocketUrl}/chat/lobby`);
    mallory.send('<b>mallory</b>');
    mallory.send('<img src="/x" onerror="document.title=1"><script>document.title=2</script>');
    await received(page, 'Chat', '<script>document.title=2</script>');
    expect(await log(page, 'Chat').locator('img, script, b').count()).toBe(0);
    expect(await page.title()).toBe('Troupe: try it');
    expect(complaints).toEqual([]);
  });

  test('nothing is asked of any other server', async () => {
    const { url } = await run();
    const { page, strangers, complaints } = await open(url);
    for (const panel of ['hello', 'chat', 'orders']) await connectPanel(page, panel);
    await page.getByRole('button', { name: 'Push' }).click();
    await page.locator('#push-result:not(:empty)').waitFor();
    expect(strangers).toEqual([]);
    // The push has no target, which the browser mentions.
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  test('says that the server has gone, and comes back by itself when the server does', async () => {
    const first = await run();
    const { page } = await open(first.url);
    await connectPanel(page, 'hello');
    await lit(page, 'hello', 'ready');

    await first.troupe.close({ drain: { timeoutMs: 100 } });
    await page.getByText(/^The server does not answer\. Trying again in \d+\.\d s\.$/).waitFor();
    await page.locator('#hello [data-part="note"]', { hasText: 'Trying again' }).waitFor();
    await page.locator('#hello-text:disabled').waitFor();
    expect(await page.locator('#connections-rows tr').count()).toBe(0);

    await run(Number(new URL(first.url).port));
    await page.getByText('Connected to the server').waitFor();
    await lit(page, 'hello', 'ready');
    await say(page, 'hello', 'again');
    await received(page, 'Hello', 'again');
  });
});
