import type { Page } from 'playwright-core';
import { createTroupe, defineService, serviceSetup, type Troupe } from 'troupe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { assign } from 'xstate';
import { connect, type Client } from '../../support/client.ts';
import { watch } from '../../support/server.ts';
import { hasChromium, useChromium } from './chromium.ts';

/** Would leave a mark if any of it were taken for markup. Without a dot, which would divide the name of a state. */
const markup = (at: string): string =>
  `${at} <img src="/x" onerror="harmed=1"><script>harmed=2</script>"'><svg onload=harmed=3>`;
const longest = 1024 * 1024;

/** Whatever a machine may keep, by the text that asks for it. */
const contexts: Readonly<Record<string, () => unknown>> = {
  cyclic() {
    const cyclic: Record<string, unknown> = { name: markup('cyclic') };
    return Object.assign(cyclic, { self: cyclic });
  },
  getters: () => ({
    get broken(): never {
      throw new Error(markup('getter'));
    },
    toJSON: undefined,
  }),
  keys: () => Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`${markup('key')} ${key}`, key])),
  prototypes: () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  deep: () => Array.from({ length: 10_000 }).reduce((inner) => [inner], 'deep'),
};

const machine = serviceSetup<{ kept: unknown }>()
  .extend({
    actions: {
      keep: assign({
        kept: ({ event }) => (event.type === 'ws.text' ? (contexts[event.text]?.() ?? event.text) : event.type),
      }),
    },
  })
  .createMachine({
    id: markup('machine'),
    context: { kept: 'nothing' },
    initial: markup('first'),
    states: {
      [markup('first')]: {
        description: markup('description'),
        on: { 'ws.text': { target: markup('second'), actions: 'keep' } },
      },
      [markup('second')]: { on: { 'ws.text': { actions: 'keep' }, 'ws.binary': { actions: 'keep' } } },
    },
  });

const kept = defineService({ name: markup('service'), basePath: '/kept', webSocketUpgradePath: '/{room}', machine });
const handled = defineService({
  basePath: '/handled',
  webSocketUpgradePath: '/{room}',
  limits: { maxPayload: longest },
  onTextMessage(connection, text) {
    if (text === 'fail') throw new Error(markup('error'));
    connection.storeConnection(markup('name'));
    connection.addConnectionToGroup(markup('group'));
    connection.pushText(`${text.length}`);
  },
  onBinaryMessage(connection, bytes) {
    connection.pushText(`${bytes.length} bytes`);
  },
});

interface Running {
  readonly troupe: Troupe;
  readonly url: string;
  readonly join: (path: string) => Promise<Client>;
}

async function run(): Promise<Running> {
  const troupe = createTroupe({ services: [kept, handled], inspector: { redact: false } });
  const said = watch(troupe, 'inspector.listening');
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 0 } }));
  const join = (path: string): Promise<Client> => connect(`ws://127.0.0.1:${port}${path}`);
  return { troupe, url: (await said.next()).url, join };
}

describe.skipIf(!hasChromium)('what is hostile', { timeout: 60_000 }, () => {
  const { open } = useChromium();

  /** Shows the only connection, with its charts. */
  async function look(page: Page): Promise<void> {
    await page.getByRole('link', { name: 'All connections' }).click();
    await page.locator('.row-item a').first().click();
    await page.locator('svg.chart').first().waitFor();
  }

  /** Nothing of what was sent became a part of the page, or ran. */
  async function isUnharmed(page: Page, complaints: readonly string[]): Promise<void> {
    expect(await page.evaluate(() => 'harmed' in globalThis || 'polluted' in {})).toBe(false);
    expect(await page.locator('#page').locator('img, script, iframe, [onerror], [onload]').count()).toBe(0);
    expect(complaints).toEqual([]);
  }

  const room = encodeURIComponent(markup('room'));

  test('in machines, states, paths and messages is shown as text', async () => {
    const { url, join } = await run();
    const mallory = await join(`/kept/${room}`);
    const { page, complaints } = await open(url);
    await page
      .getByRole('link', { name: markup('service'), exact: true })
      .first()
      .waitFor();
    await look(page);
    await page.locator('svg.chart text', { hasText: 'first <' }).first().waitFor();
    await page.locator('svg.chart title', { hasText: 'description <img' }).waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: 'machine <img' }).waitFor();
    await page.getByText(`room = ${markup('room')}`).waitFor();
    mallory.send(markup('message'));
    await page.locator('.step', { hasText: 'second <img' }).first().click();
    await page.getByLabel('Event log').getByText('message <img').waitFor();
    await page.getByRole('button', { name: 'Table instead of the picture: The service’s machine' }).click();
    await page.getByRole('row', { name: 'description <img' }).waitFor();
    await isUnharmed(page, complaints);
  });

  test('in a context harms neither server nor page', async () => {
    const { troupe, url, join } = await run();
    const crashes = watch(troupe, 'connection.crashed');
    const failures = watch(troupe, 'callback.failed');
    const mallory = await join('/kept/room');
    const { page, complaints } = await open(url);
    await look(page);
    for (const [text, shown] of [
      ['cyclic', '[cyclic]'],
      ['getters', '[threw when read]'],
      ['keys', '[99900 more keys]'],
      ['prototypes', '"__proto__": {'],
      ['deep', '[list]'],
      ['and goes on', 'and goes on'],
    ] as const) {
      mallory.send(text);
      await page.getByLabel('Context of service').getByText(shown).waitFor();
    }
    await isUnharmed(page, complaints);
    expect([...crashes.all, ...failures.all]).toEqual([]);
  });

  test('as large as may be sent, text and binary, is cut', async () => {
    const { url, join } = await run();
    const mallory = await join('/handled/room');
    const { page, complaints } = await open(url);
    await look(page);
    mallory.send('<script>'.repeat(longest / 8));
    expect(await mallory.next()).toBe(`${longest}`);
    mallory.send(new Uint8Array(longest).fill(60));
    expect(await mallory.next()).toBe(`${longest} bytes`);
    const log = page.getByLabel('Event log');
    await log.locator('.step', { hasText: 'ws.text' }).last().click();
    await log.getByText(`${longest - 2_000} more characters`).waitFor();
    await log.locator('.step', { hasText: 'ws.binary' }).last().click();
    await log.getByText(`[${longest} bytes: 3c3c`).waitFor();
    await isUnharmed(page, complaints);
  });

  test('in names, groups, errors and dead letters is shown as text', async () => {
    const { troupe, url, join } = await run();
    const crashes = watch(troupe, 'connection.crashed');
    const mallory = await join('/handled/room');
    const { page, complaints } = await open(url);
    mallory.send('name');
    await mallory.next();
    for (const [list, text] of [
      ['Named connections', 'name <img'],
      ['Groups', 'group <img'],
    ] as const) {
      await page.getByRole('link', { name: list, exact: true }).click();
      await page.locator('.row-item', { hasText: text }).waitFor();
    }
    await look(page);
    await page.getByLabel('Facts').getByText('group <img').waitFor();
    mallory.send('fail');
    await crashes.next();
    troupe.pushTextToConnection(markup('nobody'), markup('letter'));
    await page.getByRole('link', { name: 'Incidents' }).click();
    await page.locator('[data-kind="troupe.crash"]', { hasText: 'error <img' }).first().waitFor();
    await page.locator('[data-kind="troupe.dead-letter"]', { hasText: 'nobody <img' }).waitFor();
    await isUnharmed(page, complaints);
  });
});
