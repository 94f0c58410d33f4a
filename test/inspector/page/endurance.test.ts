import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { createTroupe, defineService, serviceSetup, type InspectorOptions, type Troupe } from 'troupe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chat } from '../../../examples/chat/service.ts';
import { connect, type Client } from '../../support/client.ts';
import { watch } from '../../support/server.ts';
import { hasChromium, lit, useChromium } from './chromium.ts';

const fragile = defineService({
  basePath: '/fragile',
  webSocketUpgradePath: '/',
  machine: serviceSetup()
    .extend({
      actions: {
        fail() {
          throw new Error('it broke');
        },
      },
    })
    .createMachine({
      id: 'fragile',
      initial: 'whole',
      states: { whole: { on: { 'ws.text': 'cracked' } }, cracked: { on: { 'ws.text': { actions: 'fail' } } } },
    }),
});

interface Running {
  readonly troupe: Troupe;
  readonly port: number;
  readonly url: string;
  readonly join: (path: string) => Promise<Client>;
}

async function run(port = 0, inspector: InspectorOptions = {}): Promise<Running> {
  const troupe = createTroupe({ services: [chat, fragile], inspector });
  const said = watch(troupe, 'inspector.listening');
  watch(troupe, 'connection.crashed');
  const listening = await troupe.listen({ port, host: '127.0.0.1' });
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 0 } }));
  const join = (path: string): Promise<Client> => connect(`ws://127.0.0.1:${listening.port}${path}`);
  return { troupe, port: listening.port, url: (await said.next()).url, join };
}

/** A way to the server at `port` that can break. */
async function wayTo(port: number) {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = createConnection(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
  });
  const open = async (at: number): Promise<void> => {
    relay.listen(at, '127.0.0.1');
    await once(relay, 'listening');
  };
  const cut = async (): Promise<void> => {
    const closed = once(relay, 'close');
    relay.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open(0);
  onTestFinished(() => (relay.listening ? cut() : undefined));
  const { port: at } = relay.address() as AddressInfo;
  return { at, cut, mend: () => open(at) };
}

describe.skipIf(!hasChromium)('the inspector’s page goes on', { timeout: 60_000 }, () => {
  const { open } = useChromium();

  /** Shows the only connection, with both of its charts. */
  async function look(page: Page): Promise<void> {
    await page.getByRole('link', { name: 'All connections' }).click();
    await page.locator('.row-item a').first().click();
    await page.locator('svg.chart').nth(1).waitFor();
  }

  const step = (page: Page, text: string) => page.locator('.step', { hasText: text });

  test('when its way to the server breaks, with the view as before and what is true now', async () => {
    const { port, url, join, troupe } = await run();
    const way = await wayTo(port);
    const alice = await join('/chat/lobby');
    const { page } = await open(url.replace(`:${port}`, `:${way.at}`));
    await look(page);
    alice.send('alice');
    await lit(page, 'chat.present.chatting');
    await page.getByLabel('Filter').fill('ws.text');
    await step(page, 'ws.text').first().waitFor();
    const before = await step(page, 'ws.text').count();
    const address = page.url();

    await way.cut();
    await page.getByText('The connection to the server was lost').waitFor();
    await page.getByText('The server does not answer. What you see is from before').waitFor();
    await lit(page, 'chat.present.chatting');
    expect(await step(page, 'ws.text').count()).toBe(before);
    for (const text of ['1', '2', '3', '4', '5', '6']) alice.send(text);
    await alice.ping();
    expect(troupe.connections('/chat/{room}').items).toHaveLength(1);

    await way.mend();
    await page.getByText('Connected to the server again').waitFor();
    await lit(page, 'chat.present.muted');
    expect(page.url()).toBe(address);
    expect(await page.getByLabel('Filter').inputValue()).toBe('ws.text');
    expect(await step(page, 'ws.text').count()).toBe(before);
    alice.send('7');
    await step(page, 'ws.text').nth(before).waitFor();
  });

  test('when its way to the server breaks, and acts only when there is a server that could do it', async () => {
    const { port, url, join } = await run(0, { allowActions: true });
    const way = await wayTo(port);
    const alice = await join('/chat/lobby');
    await alice.next();
    const { page } = await open(url.replace(`:${port}`, `:${way.at}`));
    await look(page);
    const buttons = ['Send', 'Close the connection'].map((name) => page.getByRole('button', { name }));
    const text = page.getByLabel('Text to the remote side');
    await text.fill('from the inspector');
    for (const button of buttons) expect(await button.isEnabled()).toBe(true);

    await way.cut();
    await page.getByText('Not possible now: there is no link to the server.').waitFor();
    for (const button of buttons) expect(await button.isDisabled()).toBe(true);
    await text.press('Enter');

    await way.mend();
    await page.getByText('Connected to the server again').waitFor();
    await page.getByText('Not possible now').waitFor({ state: 'hidden' });
    expect(await text.inputValue()).toBe('from the inspector');
    await buttons[0]!.click();
    expect(await alice.next()).toBe('from the inspector');
    await page.getByText('The server answers: ').waitFor();
  });

  test('when the server is restarted, and takes nobody for somebody of before', async () => {
    const token = 'a-token-of-this-test';
    const first = await run(0, { token });
    await first.join('/chat/lobby');
    const { page } = await open(first.url);
    await look(page);
    const before = page.url();
    await first.troupe.close({ drain: { timeoutMs: 0 } });
    await page.getByText('The server does not answer').waitFor();

    const second = await run(first.port, { token });
    const bob = await second.join('/chat/kitchen');
    await page.getByText('The server was restarted').waitFor();
    await page.getByText('There is no such connection, or not any more').waitFor();
    await look(page);
    expect(page.url()).not.toBe(before);
    await page.getByText('room = kitchen').waitFor();
    bob.send('bob');
    await lit(page, 'chat.present');
  });

  test('when the server is restarted, and an address of it is reloaded: that actor is no more', async () => {
    const token = 'a-token-of-this-test';
    const first = await run(0, { token });
    const { page } = await open(first.url);
    await page.getByRole('link', { name: '/fragile', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Actor /fragile' }).waitFor();
    const address = page.url();
    await first.troupe.close({ drain: { timeoutMs: 0 } });
    const second = await run(first.port, { token });
    await second.join('/fragile');
    const ended = page.getByText('This actor belonged to a server that has ended.');
    await ended.waitFor();

    await page.reload();
    await page.getByText('Connected to the server').waitFor();
    await ended.waitFor();
    expect(page.url()).toBe(address);
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('1 connections in').waitFor();
    await page.goBack();
    await ended.waitFor();
    expect(await page.locator('svg.chart').count()).toBe(0);
    await page.getByRole('link', { name: '/fragile', exact: true }).first().click();
    await page.locator('svg.chart').first().waitFor();
  });

  test('when the server is restarted, with what went wrong before it as of before', async () => {
    const token = 'a-token-of-this-test';
    const first = await run(0, { token });
    const { page } = await open(first.url);
    await page.getByRole('link', { name: 'Incidents' }).click();
    const crash = async (server: Running): Promise<void> => {
      const client = await server.join('/fragile');
      client.send('one');
      client.send('two');
      await client.closed;
    };
    const ofNow = page.getByRole('region', { name: 'Of this server' });
    const ofBefore = page.getByRole('region', { name: 'From before a restart' });
    await crash(first);
    await ofNow.locator('li').getByRole('link').waitFor();
    await first.troupe.close({ drain: { timeoutMs: 0 } });

    const second = await run(first.port, { token });
    await ofBefore.locator('li').waitFor();
    await ofNow.getByText('Nothing went wrong since the server was restarted.').waitFor();
    expect(await ofBefore.getByRole('link').count()).toBe(0);
    await crash(second);
    await ofNow.locator('li').getByRole('link').waitFor();
    expect(await ofBefore.locator('li').count()).toBe(1);
  });

  test('when a service’s machine crashes, and shows the crash and the state it happened in', async () => {
    const { url, join } = await run(0, { redact: false });
    const alice = await join('/fragile');
    const { page } = await open(url);
    await look(page);
    alice.send('one');
    await lit(page, 'fragile.cracked');
    alice.send('two');
    await page.getByText('This connection is closed. What was recorded of it is still here.').waitFor();
    await page.getByLabel('Context', { exact: true }).getByText('service ended').waitFor();
    await page.getByLabel('Context', { exact: true }).getByText('it broke').waitFor();
    await lit(page, 'fragile.cracked');
    await page.getByRole('link', { name: 'Incidents' }).click();
    const crash = page.locator('[data-kind="troupe.crash"]');
    await crash.getByText('it broke').first().waitFor();
    await crash.getByText('State: machine: cracked; connection: ').waitFor();
    const bob = await join('/fragile');
    await look(page);
    bob.send('one');
    await lit(page, 'fragile.cracked');
  });
});
