import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createWsTransport } from '../../src/transport/ws.ts';
import { Inbox } from '../support/inbox.ts';
import { closeFrame, frame, opcodes, rawUpgrade, type RawClient } from '../support/raw.ts';
import { describeTransport } from './transport.ts';

describeTransport('ws', createWsTransport);
describeTransport('ws from the beginning', (options) => createWsTransport(options, () => false));
describeTransport('ws with compression', (options) => createWsTransport({ ...options, compression: true }));

// `src/transport/ws.ts` learns of the beginning of a closing handshake from the arguments with which `ws`
// calls its own `close()`. No documentation promises that; an upgrade of `ws` that changes it must fail here.
describe('the close() that ws calls itself', () => {
  const calls = new Inbox<unknown[]>();

  class Recording extends WebSocket {
    override close(...args: [code?: number, reason?: string | Buffer]): void {
      calls.push(args);
      super.close(...args);
    }
  }

  async function open(): Promise<RawClient> {
    const server = createServer();
    const webSockets = new WebSocketServer({ server, WebSocket: Recording, maxPayload: 1000 });
    webSockets.on('connection', (webSocket) => webSocket.on('error', () => undefined));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      for (const webSocket of webSockets.clients) webSocket.terminate();
      server.close();
    });
    return rawUpgrade((server.address() as AddressInfo).port, '/');
  }

  it('has no argument for a close frame without a code', async () => {
    const client = await open();
    client.send({ opcode: opcodes.close });
    expect(await calls.next()).toEqual([]);
  });

  it.each(['', 'a reason'])('has code and reason for a close frame with a code and the reason "%s"', async (reason) => {
    const client = await open();
    client.write(closeFrame(4000, reason));
    expect(await calls.next()).toEqual([4000, Buffer.from(reason)]);
  });

  it.each([
    { title: 'a protocol error', bytes: frame({ opcode: 3 }), code: 1002 },
    { title: 'invalid UTF-8', bytes: frame({ opcode: opcodes.text, payload: Uint8Array.of(0xff) }), code: 1007 },
    {
      title: 'a message that is too long',
      bytes: frame({ opcode: opcodes.text, payload: 'x'.repeat(1001) }),
      code: 1009,
    },
  ])('has the code alone for $title', async ({ bytes, code }) => {
    const client = await open();
    client.write(bytes);
    expect(await calls.next()).toEqual([code]);
  });
});
