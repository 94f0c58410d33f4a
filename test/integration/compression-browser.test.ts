import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { defineService } from 'troupe';
import { serve } from '../support/server.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (executablePath === undefined) {
  console.warn('Compression is not tested with a browser: no Chromium was found. On Debian: apt-get install chromium');
}

const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

describe.skipIf(executablePath === undefined)('a browser', { timeout: 30_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ args: flags, ...(executablePath ? { executablePath } : {}) });
  }, 30_000);

  afterAll(async () => {
    await browser?.close();
  });

  it('negotiates compression, sends compressed and reads what is compressed, in order', async () => {
    const service = defineService({
      basePath: '/echo',
      onTextMessage(connection, text) {
        connection.pushText(text);
        connection.broadcastText(`${text.length}`);
      },
    });
    const server = await serve([service], {
      compression: { thresholdBytes: 100 },
      http: (_request, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'),
    });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(server.http('/'));
    const sent = [
      'short',
      'ünïcode 🎭 '.repeat(500),
      '',
      JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ id }))),
    ];

    const seen = await page.evaluate(
      ({ url, texts }) =>
        new Promise<{ extensions: string; received: string[] }>((resolve, reject) => {
          const socket = new WebSocket(url);
          const received: string[] = [];
          socket.addEventListener('open', () => {
            for (const text of texts) socket.send(text);
          });
          socket.addEventListener('message', ({ data }) => {
            received.push(String(data));
            if (received.length === 2 * texts.length) resolve({ extensions: socket.extensions, received });
          });
          socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}`)));
        }),
      { url: server.url('/echo'), texts: sent },
    );

    expect(seen.extensions).toContain('permessage-deflate');
    expect(seen.received).toEqual(sent.flatMap((text) => [text, `${text.length}`]));
  });
});
