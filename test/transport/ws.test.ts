import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Socket, SocketListener, TransportOptions } from '../../src/transport/contract.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { certificate } from '../support/certificate.ts';
import { turn } from '../support/inbox.ts';
import { closeFrame, frame, opcodes } from '../support/raw.ts';
import { ScriptedStream } from '../support/scripted-stream.ts';

const limits: TransportOptions = { maxPayload: 1000, closeTimeoutMs: 10_000, compression: false };
const key = 'dGhlIHNhbXBsZSBub25jZQ==';

function requestWith(headers: Record<string, string | undefined> = {}, method = 'GET'): IncomingMessage {
  const right = {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
  };
  return { method, url: '/', headers: { ...right, ...headers } } as Partial<IncomingMessage> as IncomingMessage;
}

function listenWith(facts: string[]): SocketListener {
  const nothing = (): void => undefined;
  return {
    onReading: nothing,
    onRead: nothing,
    onText: (text) => facts.push(text),
    onBinary: nothing,
    onSignOfLife: nothing,
    onDrain: nothing,
    beforeClose: nothing,
    onClosing: nothing,
    onViolation: nothing,
    onClosed: () => facts.push('closed'),
  };
}

/** What `ws` does not publish. */
interface Joining {
  readonly setSocket: (...args: unknown[]) => void;
}

/** Whether `ws` is on `stream`: it leaves a listener for the end of the remote side that is not ours. */
function hasWs(stream: Duplex): boolean {
  return stream.listeners('end').some(({ name }) => name === 'socketOnEnd');
}

function accept(transport = createWsTransport(limits), stream = new ScriptedStream(), request = requestWith()) {
  const facts: string[] = [];
  let socket: Socket | undefined;
  transport.accept({ request, stream, head: Buffer.alloc(0), subprotocol: undefined }, (accepted) => {
    socket = accepted;
    return listenWith(facts);
  });
  return { stream, facts, socket: socket! };
}

// `ws` has no public way to be put on a stream whose handshake was answered already. `src/transport/ws.ts` does what
// the server of `ws` does. Should one of these fail with another version of `ws`, nothing is broken: `ws` is then on
// each stream from the beginning, and connections cost more. Look at `WebSocketServer.completeUpgrade()` what changed.
describe('how the server of ws makes a WebSocket', () => {
  function upgrade(stream: ScriptedStream, options: object = {}) {
    const made = vi.fn<(...args: unknown[]) => void>();
    const given = vi.fn<(...args: unknown[]) => void>();
    class Recording extends WebSocket {
      constructor(...args: [string, undefined, object]) {
        super(...args);
        made(...args);
      }
      setSocket(...args: unknown[]): void {
        given(...args);
        (WebSocket.prototype as unknown as Joining).setSocket.apply(this, args);
      }
    }
    const server = new WebSocketServer({
      noServer: true,
      WebSocket: Recording as unknown as typeof WebSocket,
      ...options,
    });
    server.handleUpgrade(requestWith(), stream, Buffer.alloc(0), () => undefined);
    return { server, made, given };
  }

  it('is new WebSocket(null, undefined, the options of the server)', () => {
    const { server, made } = upgrade(new ScriptedStream());
    expect(made.mock.calls).toEqual([[null, undefined, server.options]]);
  });

  it('is setSocket(stream, head, options), all of which are options of the server', () => {
    const stream = new ScriptedStream();
    const { server, given } = upgrade(stream);
    const [[onto, head, options]] = given.mock.calls as [[unknown, Buffer, object]];
    expect(onto).toBe(stream);
    expect(head).toHaveLength(0);
    expect(server.options).toMatchObject(options);
  });
});

describe('ws is made', () => {
  it('for no connection that sends messages, pings and a close frame', async () => {
    const { stream, facts } = accept();
    stream.push(frame({ opcode: opcodes.text, payload: 'a message' }));
    stream.push(frame({ opcode: opcodes.ping }));
    stream.push(frame({ opcode: opcodes.pong }));
    await turn();
    expect(facts).toEqual(['a message']);
    expect(hasWs(stream)).toBe(false);
    stream.push(closeFrame(1000));
    stream.push(null);
    await turn();
    expect(facts).toEqual(['a message', 'closed']);
    expect(hasWs(stream)).toBe(false);
  });

  it.each<{ title: string; createServer: () => Server | SecureServer }>([
    { title: 'of node:http', createServer: () => createServer() },
    { title: 'of node:https', createServer: () => createSecureServer(certificate()) },
  ])('for no ordinary connection $title', async ({ createServer: create }) => {
    const server = create();
    const transport = createWsTransport(limits);
    const upgraded = new Promise<Duplex>((resolve) => {
      server.on('upgrade', (request, stream, head) => {
        transport.accept({ request, stream, head, subprotocol: undefined }, () => listenWith([]));
        resolve(stream);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const scheme = server instanceof SecureServer ? 'wss' : 'ws';
    const { port } = server.address() as AddressInfo;
    const client = new WebSocket(`${scheme}://127.0.0.1:${port}/`, { rejectUnauthorized: false });
    const stream = await upgraded;
    expect(hasWs(stream)).toBe(false);
    stream.destroy();
    await new Promise((resolve) => {
      client.on('error', () => undefined).on('close', resolve);
    });
    server.close();
  });

  it.each<{ title: string; act: (ends: { stream: ScriptedStream; socket: Socket }) => void }>([
    {
      title: 'the first part of a message',
      act: ({ stream }) => stream.push(frame({ opcode: opcodes.text, payload: 'a', fin: false })),
    },
    { title: 'half a frame', act: ({ stream }) => stream.push(frame({ opcode: opcodes.text }).subarray(0, 3)) },
    { title: 'a pause', act: ({ socket }) => socket.pause() },
    { title: 'our own close', act: ({ socket }) => socket.close(1000, '') },
  ])('for $title', async ({ act }) => {
    const ends = accept();
    await turn();
    act(ends);
    await turn();
    expect(hasWs(ends.stream)).toBe(true);
    ends.stream.destroy();
  });

  it.each<{ title: string; options: Partial<TransportOptions>; prepare: (stream: ScriptedStream) => void }>([
    { title: 'a stream that somebody paused', options: {}, prepare: (stream) => stream.pause() },
    { title: 'a stream that somebody reads', options: {}, prepare: (stream) => stream.on('data', () => undefined) },
    { title: 'compression', options: { compression: true }, prepare: () => undefined },
  ])('from the beginning for $title', ({ options, prepare }) => {
    const stream = new ScriptedStream();
    prepare(stream);
    const request = requestWith({ 'sec-websocket-extensions': 'permessage-deflate' });
    accept(createWsTransport({ ...limits, ...options }), stream, request);
    expect(hasWs(stream)).toBe(true);
    stream.destroy();
  });

  it('for nobody a second time: a stream that was upgraded is refused', () => {
    const { stream } = accept();
    expect(() => accept(undefined, stream)).toThrow('This stream was upgraded before');
    stream.destroy();
  });

  it('is refused by a `ws` of the application that is handed it as well', () => {
    const { stream } = accept();
    const theirs = new WebSocketServer({ noServer: true });
    expect(() => theirs.handleUpgrade(requestWith(), stream, Buffer.alloc(0), () => undefined)).toThrow(
      'was called more than once with the same socket',
    );
  });
});

describe('the answer to a handshake', () => {
  const answered = (stream: ScriptedStream): string => stream.sent.toString('latin1');

  it.each<{ title: string; headers?: Record<string, string | undefined>; method?: string }>([
    { title: 'is 101' },
    { title: 'announces a subprotocol', headers: { 'sec-websocket-protocol': 'other, chosen' } },
    { title: 'announces none that was not offered', headers: { 'sec-websocket-protocol': 'other\t,\tstrange' } },
    { title: 'refuses what is no list of subprotocols', headers: { 'sec-websocket-protocol': 'chosen,' } },
    { title: 'refuses the same subprotocol twice', headers: { 'sec-websocket-protocol': 'chosen, chosen' } },
    { title: 'refuses a subprotocol with a strange space', headers: { 'sec-websocket-protocol': 'chosen\u00a0' } },
    { title: 'ignores extensions', headers: { 'sec-websocket-extensions': 'what is this' } },
    { title: 'refuses a key that is none', headers: { 'sec-websocket-key': 'short==' } },
    { title: 'refuses a missing key', headers: { 'sec-websocket-key': undefined } },
    { title: 'refuses a version that is none', headers: { 'sec-websocket-version': '14' } },
    { title: 'takes the version before', headers: { 'sec-websocket-version': '8' } },
    { title: 'refuses another upgrade', headers: { upgrade: 'h2c' } },
    { title: 'takes an upgrade in capitals', headers: { upgrade: 'WebSocket' } },
    { title: 'refuses another method', method: 'POST' },
  ])('is that of ws, which $title', async ({ headers, method }) => {
    const request = requestWith(headers, method);
    const subprotocol = headers?.['sec-websocket-protocol']?.includes('chosen') === true ? 'chosen' : undefined;
    const [ours, reference] = [new ScriptedStream(), new ScriptedStream()];
    createWsTransport(limits).accept({ request, stream: ours, head: Buffer.alloc(0), subprotocol }, () =>
      listenWith([]),
    );
    const options = { noServer: true, handleProtocols: () => subprotocol ?? false };
    new WebSocketServer(options).handleUpgrade(request, reference, Buffer.alloc(0), () => undefined);
    await turn();
    expect(answered(ours)).toBe(answered(reference));
    for (const stream of [ours, reference]) stream.destroy();
  });

  it('is none to a remote side that has left', () => {
    const stream = new ScriptedStream();
    stream.end();
    const onAccepted = vi.fn<() => SocketListener>();
    const upgrade = { request: requestWith(), stream, head: Buffer.alloc(0), subprotocol: undefined };
    createWsTransport(limits).accept(upgrade, onAccepted);
    expect(stream.destroyed).toBe(true);
    expect(onAccepted).not.toHaveBeenCalled();
  });
});

describe('another version of ws that cannot be put on a stream', () => {
  afterEach(() => {
    vi.doUnmock('ws');
    vi.resetModules();
  });

  it('is there from the beginning', async () => {
    vi.resetModules();
    vi.doMock('ws', () => {
      class Changed extends WebSocket {
        setSocket(...args: [Duplex, Buffer, object]): void {
          // Its server gives it what it needs; the options of the server have more.
          if ('noServer' in args[2]) throw new TypeError('This is not how it is done any more');
          (WebSocket.prototype as unknown as Joining).setSocket.apply(this, args);
        }
      }
      return { WebSocket: Changed, WebSocketServer };
    });
    const { createWsTransport: createAnew } = await import('../../src/transport/ws.ts');
    const { stream, facts } = accept(createAnew(limits));
    expect(hasWs(stream)).toBe(true);
    stream.push(frame({ opcode: opcodes.text, payload: 'a message' }));
    stream.push(closeFrame(1000));
    await turn();
    expect(facts).toEqual(['a message']);
    expect(stream.hasFin).toBe(true);
    stream.destroy();
  });
});
