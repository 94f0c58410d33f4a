import { describe, expect, it } from 'vitest';
import { defineService } from 'troupe';
import { hasChromium, useChromium } from '../inspector/page/chromium.ts';
import { serve } from '../support/server.ts';

describe.skipIf(!hasChromium)('a browser', { timeout: 30_000 }, () => {
  const { visit } = useChromium();

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
    const { page } = await visit(server.http('/'));
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
