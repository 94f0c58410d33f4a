import type { Locator, Page } from 'playwright-core';
import { createTroupe, defineService, type InspectorOptions, type Troupe } from 'troupe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chat } from '../../../examples/chat/service.ts';
import { connect, type Client } from '../../support/client.ts';
import { carriage, type Errand } from './carriage.ts';
import { go, hasChromium, lit, swipe, useChromium } from './chromium.ts';

const hostile = '<img src="/x" onerror="document.title=1"><script>document.title=2</script>';
const fragile = defineService({
  name: 'fragile',
  basePath: '/fragile',
  webSocketUpgradePath: '/',
  onTextMessage(connection, text) {
    if (text === 'fail') throw new Error(hostile);
    connection.storeConnection(text);
    connection.addConnectionToGroup(text);
  },
});

const restarting = defineService({
  name: 'restarting',
  basePath: '/restarting',
  supervision: { onCrash: 'restart', backoff: { minMs: 600_000 } },
  onTextMessage() {
    throw new Error(hostile);
  },
});

const travelling = defineService({ basePath: '/carriage', webSocketUpgradePath: '/', machine: carriage });

/** Runs in the page: whether all of `element` is within what it is scrolled in, and that on the screen sideways. */
function isInSight(element: Element): boolean {
  const [it, pane] = [element.getBoundingClientRect(), element.closest('.pane')!.getBoundingClientRect()];
  return it.left >= pane.left && it.right <= pane.right && it.top >= pane.top && it.bottom <= pane.bottom;
}

interface Running {
  readonly troupe: Troupe;
  readonly port: number;
  /** The address of the inspector, with the token. */
  readonly url: string;
  readonly join: (path: string) => Promise<Client>;
}

async function run(port = 0, inspector: InspectorOptions = {}): Promise<Running> {
  const troupe = createTroupe({ services: [chat, fragile, restarting, travelling], inspector });
  troupe.on('connection.crashed', () => {});
  const address = await troupe.listen({ port, host: '127.0.0.1' });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
  const join = (path: string): Promise<Client> => connect(`ws://127.0.0.1:${address.port}${path}`);
  return { troupe, port: address.port, url: troupe.inspector?.url ?? 'nowhere', join };
}

describe.skipIf(!hasChromium)('the inspector’s page', { timeout: 60_000 }, () => {
  const { open } = useChromium();

  /** Opens the only connection of the chat, or of another service, and waits for its charts. */
  async function openConnection(page: Page, path = 'lobby'): Promise<void> {
    await go(page, `#/connections?search=${path}`);
    await page.locator('.row-item a').click();
    await page.locator('svg.chart').nth(1).waitFor();
  }

  const steps = (page: Page): Locator => page.locator('.step');

  test('follows a chat through its states, and shows the edge that was taken', async () => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page, complaints, strangers } = await open(url);
    expect(page.url()).not.toContain('token');
    await openConnection(page);
    await lit(page, 'chat.naming');

    alice.send('alice');
    await lit(page, 'chat.present.chatting');
    await page.locator('.edge.taken', { hasText: 'ws.text [isNick]' }).waitFor();
    await page.getByText('chat:lobby:alice').waitFor();

    for (const text of ['1', '2', '3', '4', '5', '6']) alice.send(text);
    await lit(page, 'chat.present.muted');
    expect(complaints).toEqual([]);
    expect(strangers).toEqual([]);
  });

  test('shows that a connection waits for its restart: in the overview, among others and in its chart', async () => {
    const { url, join } = await run();
    const clients = [await join('/restarting'), await join('/restarting')];
    const { page } = await open(url);
    clients[0]!.send('fail');

    const bar = page.locator('.service', { hasText: 'restarting' });
    await bar.getByRole('img', { name: '1 open, 1 restarting, 0 message, 0 closing' }).waitFor();
    await go(page, '#/connections');
    await page.getByLabel('State').selectOption('restarting');
    await page.locator('.row-item .badge', { hasText: 'restarting' }).waitFor();
    expect(await page.locator('.row-item').count()).toBe(1);
    await page.locator('.row-item a').click();
    await lit(page, 'restarting');
  });

  test('shows what is in the past as past, and finds back to now', async () => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page } = await open(url);
    await openConnection(page);
    alice.send('alice');
    await lit(page, 'chat.present');

    await steps(page).filter({ hasText: 'ws.text' }).last().click();
    await page.getByText('The past: after ws.text').waitFor();
    await lit(page, 'chat.naming');
    expect(await page.locator('.charts .past').count()).toBe(2);

    alice.send('hello');
    await page.getByText('steps before the latest').waitFor();
    await lit(page, 'chat.naming');
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    await lit(page, 'chat.present');
  });

  test('shows no two states together that never were, when one steps back', async () => {
    const { url, join } = await run();
    const client = await join('/carriage');
    const { page } = await open(url);
    await openConnection(page, 'carriage');
    // The wheel turns in the middle of the carriage's step: it is down before the carriage is on the right.
    client.send(JSON.stringify({ when: 'now', what: 'turn' } satisfies Errand));
    await lit(page, 'carriage.right');
    await lit(page, 'wheel.down');
    await steps(page).filter({ hasText: 'handler.settled' }).first().waitFor();

    const moments = [
      ['carriage.right', 'wheel.down'],
      ['carriage.left', 'wheel.down'],
      ['carriage.left', 'wheel.up'],
    ] as const;
    for (const [index, together] of moments.entries()) {
      await page.getByRole('button', { name: 'Step back' }).click();
      await page.getByText(`${index + 1} steps before the latest`).waitFor();
      for (const state of together) await lit(page, state);
    }
  });

  test('pauses the log and filters it, and loses nothing meanwhile', async () => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page } = await open(url);
    await openConnection(page);
    alice.send('alice');
    await steps(page).filter({ hasText: 'handler.settled' }).first().waitFor();
    const before = await steps(page).count();
    await page.getByRole('button', { name: 'Pause' }).click();
    alice.send('1');
    await page.getByText(new RegExp(`${before} of ${before * 2} steps`)).waitFor();
    expect(await steps(page).count()).toBe(before);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText(`${before * 2} of ${before * 2} steps`).waitFor();

    await page.getByLabel('Filter').fill('settled');
    await page.getByText(`2 of ${before * 2} steps`).waitFor();
  });

  test('has a table for each picture, which shows the same', async () => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page } = await open(url);
    await page.getByRole('button', { name: 'Table instead of the picture: Connections by' }).click();
    await page.getByRole('row', { name: /\/chat\/\{room\}.* 1/ }).waitFor();

    await openConnection(page);
    alice.send('alice');
    await lit(page, 'chat.present');
    for (const picture of ['The service’s machine: chat', 'Sequence of events']) {
      await page.getByRole('button', { name: `Table instead of the picture: ${picture}` }).click();
    }
    await page
      .getByRole('row', { name: /^present\.chatting\.quiet|^present\.chatting\.talking/ })
      .first()
      .waitFor();
    expect(await page.locator('tr.active').count()).toBeGreaterThan(1);
    await page
      .getByRole('row', { name: /remote side connection ws\.text/ })
      .first()
      .waitFor();
    await page
      .getByRole('row', { name: /connection service ws\.text/ })
      .first()
      .waitFor();
  });

  test('draws a chart as a whole, and nearer by button, key and wheel; it can be dragged then', async () => {
    const { url, join } = await run();
    await join('/chat/lobby');
    const { page } = await open(url);
    await openConnection(page);
    const pane = page.getByRole('region', { name: 'Lifecycle: connection, picture' });
    const zoom = page.getByRole('group', { name: 'Zoom of Lifecycle: connection' });
    /** How much larger than its pane the picture is, and where it has been moved to. */
    const look = (): Promise<{ excess: number; width: number; left: number; top: number }> =>
      pane.evaluate((it) => ({
        excess: Math.max(it.scrollWidth - it.clientWidth, it.scrollHeight - it.clientHeight),
        width: it.firstElementChild?.getBoundingClientRect().width ?? 0,
        left: it.scrollLeft,
        top: it.scrollTop,
      }));
    const whole = await look();
    expect(whole.excess).toBeLessThanOrEqual(0);
    await lit(page, 'connection.connected.outbound.flowing');
    // Its own box is too small for its name at this size.
    await page.locator('.beacon', { hasText: 'ready' }).waitFor();

    await zoom.getByRole('button', { name: 'Zoom in' }).click();
    const near = await look();
    expect(near.width / whole.width).toBeCloseTo(1.25, 2);
    await pane.press('+');
    const nearer = await look();
    expect(nearer.width / near.width).toBeCloseTo(1.25, 2);
    await pane.press('-');
    expect((await look()).width).toBeCloseTo(near.width, 0);
    await zoom.getByRole('button', { name: 'Full size' }).click();
    await page.locator('.edge .label', { hasText: 'handler.failed' }).first().waitFor();

    // What is beneath the pointer stays there.
    const box = await pane.boundingBox();
    const [x, y] = [(box?.x ?? 0) + 100, (box?.y ?? 0) + 100];
    const before = await look();
    await page.mouse.move(x, y);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -100);
    await page.keyboard.up('Control');
    await zoom.getByText('125 %').waitFor();
    const after = await look();
    expect((after.left + 100) / (before.left + 100)).toBeCloseTo(1.25, 1);
    expect((after.top + 100) / (before.top + 100)).toBeCloseTo(1.25, 1);

    await page.mouse.down();
    await page.mouse.move(x - 60, y - 40, { steps: 4 });
    await page.mouse.up();
    const moved = await look();
    expect([moved.left - after.left, moved.top - after.top]).toEqual([60, 40]);

    await pane.press('0');
    expect(await look()).toEqual(whole);
  });

  test('lists and searches many connections, and draws only those in sight', async () => {
    const { url, join } = await run();
    await Promise.all(Array.from({ length: 350 }, () => join('/fragile')));
    const named = await join('/fragile');
    named.send('needle');
    const { page } = await open(url);
    await page.getByRole('link', { name: 'All connections' }).click();
    await page.getByText('100 loaded of 351').waitFor();
    expect(await page.locator('.row-item').count()).toBeLessThan(50);
    const rows = page.getByRole('list', { name: 'Connections' });
    for (const loaded of ['200 loaded', '300 loaded', '351 of 351']) {
      await rows.evaluate((list) => list.scrollTo({ top: list.scrollHeight }));
      await page.getByText(loaded).waitFor();
    }
    expect(await page.locator('.row-item').count()).toBeLessThan(50);

    await go(page, '#/names?search=NEED');
    await page.locator('.row-item', { hasText: 'needle' }).waitFor();
    await go(page, '#/groups');
    await page.getByRole('link', { name: 'needle' }).click();
    await page.getByText('Not only in group “needle”').waitFor();
    await page.locator('.row-item').waitFor();
    expect(await page.locator('.row-item').count()).toBe(1);
  });

  test('shows dead letters and crashes with the state, and what is hostile as text', async () => {
    const { url, join, troupe } = await run();
    const { page, complaints } = await open(url);
    const mallory = await join('/fragile');
    mallory.send(hostile);
    await page.getByRole('link', { name: 'Groups' }).click();
    await page.locator('.row-item', { hasText: '<script>' }).waitFor();
    mallory.send('fail');
    troupe.pushTextToConnection(`nobody ${hostile}`, 'hello');
    await page.getByText('2 new').waitFor();
    await page.getByRole('link', { name: 'Incidents' }).click();
    await page.locator('[data-kind="troupe.crash"]', { hasText: 'message.handling' }).waitFor();
    await page.locator('[data-kind="troupe.dead-letter"]', { hasText: '<script>' }).waitFor();
    expect(await page.locator('main').locator('img, script').count()).toBe(0);
    expect(await page.title()).toBe('Incidents · Troupe inspector');
    expect(complaints).toEqual([]);
  });

  test('says when the server is gone, and begins anew with the one after it', async () => {
    const token = 'a-token-of-this-test';
    const first = await run(0, { token });
    await first.join('/fragile');
    const { page } = await open(first.url);
    await page.getByText('1 connections in').waitFor();
    await first.troupe.close({ drain: { timeoutMs: 0 } });
    await page.getByText('The server does not answer').waitFor();
    await run(first.port, { token });
    await page.getByText('The server was restarted').waitFor();
    await page.getByText('0 connections in').waitFor();
  });

  test('says that the server has another token now, and goes on once another tab was opened with it', async () => {
    const first = await run(0, { token: 'the-token-before-this' });
    const { page } = await open(first.url);
    await first.troupe.close({ drain: { timeoutMs: 0 } });
    await page.getByText('The server does not answer').waitFor();
    const second = await run(first.port, { token: 'the-token-after-that' });
    await page.getByText('Open the address that it tells').waitFor();
    await (await page.context().newPage()).goto(second.url);
    await page.getByText('The server was restarted').waitFor();
  });

  test('closes a connection and sends to it, where the server allows that', async () => {
    const { url, join } = await run(0, { allowActions: true });
    const alice = await join('/chat/lobby');
    await alice.next();
    const { page } = await open(url);
    await openConnection(page);
    await page.getByLabel('Text to the remote side').fill('from the inspector');
    await page.getByRole('button', { name: 'Send' }).click();
    expect(await alice.next()).toBe('from the inspector');
    await page.getByRole('button', { name: 'Close the connection' }).click();
    await page.getByText('This connection is closed').waitFor();
  });

  test.each([
    ['light', 360],
    ['dark', 360],
    ['light', 768],
  ] as const)('in %s, at %d pixels, nothing is wider than the screen', async (colorScheme, width) => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page } = await open(url, { viewport: { width, height: 740 }, colorScheme });
    const fits = async (): Promise<void> => {
      const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(needed).toBe(given);
    };
    await page.getByText('1 connections in').waitFor();
    await fits();
    await openConnection(page);
    alice.send('alice');
    await lit(page, 'chat.present');
    await fits();
    await page.getByRole('button', { name: 'Zoom in' }).first().click();
    await steps(page).first().click();
    await page.getByRole('button', { name: /^Table instead.*: chat$/ }).click();
    await page.locator('.chart-table tr.active').first().waitFor();
    await fits();
    // Its columns are all in sight as well.
    const beyond = await page.locator('.chart-table').evaluate((it) => it.scrollWidth - it.clientWidth);
    expect(beyond).toBe(0);
    for (const list of ['services', 'connections', 'names', 'groups']) {
      await go(page, `#/${list}`);
      await page.locator('.row-item').first().waitFor();
      await fits();
    }
    await go(page, '#/incidents');
    await page.getByText('Nothing went wrong since you came').waitFor();
    await fits();
  });

  test('begins near enough to be read on a narrow screen, and moves by finger and by keyboard', async () => {
    const { url, join } = await run();
    await join('/chat/lobby');
    const { page } = await open(url, { viewport: { width: 360, height: 740 }, hasTouch: true });
    await openConnection(page);
    const pane = page.getByRole('region', { name: 'Lifecycle: connection, picture' });
    const left = (): Promise<number> => pane.evaluate((it) => it.scrollLeft);
    const active = pane.locator('[data-state="connection.connected.lifecycle.open.ready"].active text').first();
    // What is active is in sight, the label of a transition is there, and both are 10 pixels high or more.
    await expect.poll(() => active.evaluate(isInSight)).toBe(true);
    for (const text of [active, pane.locator('.edge .label').first()])
      expect((await text.boundingBox())?.height).toBeGreaterThanOrEqual(10);

    await pane.scrollIntoViewIfNeeded();
    const { x = 0, y = 0 } = (await pane.boundingBox()) ?? {};
    const before = await left();
    // It goes on for a while when the finger has left.
    const atRest = pane.evaluate(
      (it) =>
        new Promise<number>((rest) => {
          it.addEventListener('scrollend', () => rest(it.scrollLeft), { once: true });
        }),
    );
    await swipe(page, { x: x + 100, y: y + 100 }, 120);
    const moved = await atRest;
    expect(moved).toBeLessThan(before - 50);
    await pane.press('ArrowRight');
    await expect.poll(left).toBeGreaterThan(moved);
    await pane.press('0');
    expect(await pane.evaluate((it) => it.scrollWidth - it.clientWidth)).toBe(0);
  });

  test('can be used with the keyboard alone, and every control has a name', async () => {
    const { url, join } = await run();
    await join('/chat/lobby');
    const { page } = await open(url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe('solid');

    await openConnection(page);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    const nameless = await page.locator('button, input, select, [tabindex="0"]').evaluateAll((controls) =>
      controls
        .filter((it) => {
          const { labels } = it as HTMLInputElement;
          return !it.textContent?.trim() && !it.getAttribute('aria-label') && !labels?.length;
        })
        .map((it) => it.outerHTML),
    );
    expect(nameless).toEqual([]);
  });

  test('flashes nothing for those who want no motion', async () => {
    const { url, join } = await run();
    const alice = await join('/chat/lobby');
    const { page } = await open(url, { reducedMotion: 'reduce' });
    await openConnection(page);
    alice.send('alice');
    const flash = page.locator('.chart .flash').first();
    await flash.waitFor({ state: 'attached' });
    expect(await flash.evaluate((it) => getComputedStyle(it).animationName)).toBe('none');
  });
});
