import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CloseInfo, Socket, SocketListener, Transport, TransportOptions } from '../../src/transport/contract.ts';
import { createGate, Inbox, turns } from '../support/inbox.ts';
import {
  closeCodeOf,
  closeFrame,
  frame,
  handshake,
  opcodes,
  rawConnect,
  rawUpgrade,
  type RawClient,
} from '../support/raw.ts';

/**
 * What every transport must do: the sentences of `src/transport/contract.ts`, each with a real socket.
 * A transport is held to it by one call with the function that makes it.
 */

export type CreateTransport = (options: TransportOptions) => Transport<IncomingMessage, Duplex>;

type Fact =
  | { type: 'text'; text: string }
  | { type: 'binary'; data: Uint8Array }
  | { type: 'sign of life' }
  | { type: 'drain' }
  | { type: 'before close' }
  | { type: 'closing'; info: CloseInfo }
  | { type: 'violation'; error: Error; info: CloseInfo }
  | { type: 'closed' };

/** Writes down what it is told. */
class Recorder implements SocketListener {
  readonly facts = new Inbox<Fact>();
  readonly closed = createGate();
  /** What it does when it is told that the transport is about to send a close frame. */
  atBeforeClose: () => void = () => undefined;
  /** What it does when it is told of a closing. */
  atClosing: () => void = () => undefined;

  onReading(): void {}
  onRead(): void {}
  onText(text: string): void {
    this.facts.push({ type: 'text', text });
  }
  onBinary(data: Uint8Array): void {
    this.facts.push({ type: 'binary', data });
  }
  onSignOfLife(): void {
    this.facts.push({ type: 'sign of life' });
  }
  onDrain(): void {
    this.facts.push({ type: 'drain' });
  }
  beforeClose(): void {
    this.facts.push({ type: 'before close' });
    this.atBeforeClose();
  }
  onClosing(info: CloseInfo): void {
    this.facts.push({ type: 'closing', info });
    this.atClosing();
  }
  onViolation(error: Error, info: CloseInfo): void {
    this.facts.push({ type: 'violation', error, info });
  }
  onClosed(): void {
    this.facts.push({ type: 'closed' });
    this.closed.open();
  }

  /** All that was told until the end; more turns show that nothing follows. */
  async untilClosed(): Promise<readonly Fact[]> {
    await this.closed.opened;
    await turns(5);
    return this.facts.all;
  }
}

interface Accepted {
  readonly socket: Socket;
  readonly told: Recorder;
}

const limits: TransportOptions = { maxPayload: 1000, closeTimeoutMs: 10_000, compression: false };

/** A frame as a server sends it. */
function serverText(payload: string): Uint8Array {
  return frame({ opcode: opcodes.text, payload, masked: false });
}

export function describeTransport(name: string, createTransport: CreateTransport): void {
  /** An HTTP server whose every upgrade the transport accepts. */
  async function serve(
    options: Partial<TransportOptions> = {},
    subprotocol?: string,
    order: string[] = [],
    highWaterMark?: number,
  ) {
    const transport = createTransport({ ...limits, ...options });
    const accepted = new Inbox<Accepted>();
    const server = createServer(highWaterMark === undefined ? {} : { highWaterMark });
    server.on('upgrade', (request, stream, head) => {
      onTestFinished(() => {
        stream.destroy();
      });
      transport.accept({ request, stream, head, subprotocol }, (socket) => {
        order.push('accepted');
        const told = new Recorder();
        accepted.push({ socket, told });
        return told;
      });
      order.push('returned');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, accepted };
  }

  /** One open socket and its other end. */
  async function open(
    options?: Partial<TransportOptions>,
    highWaterMark?: number,
  ): Promise<Accepted & { client: RawClient; port: number }> {
    const { port, accepted } = await serve(options, undefined, [], highWaterMark);
    const client = await rawUpgrade(port, '/');
    return { ...(await accepted.next()), client, port };
  }

  /** Writes frames until so much waits that the operating system does not take; how many that were. */
  function fill(socket: Socket, frameBytes: number, waitingBytes = 1): number {
    const one = serverText('x'.repeat(frameBytes));
    let count = 0;
    while (socket.bufferedBytes < waitingBytes) {
      socket.write(one);
      count += 1;
      if (count * frameBytes > 1e9) throw new Error('the operating system takes everything');
    }
    return count;
  }

  describe(`${name}: accept`, () => {
    it('answers 101 and hands the socket over before it tells anything', async () => {
      const order: string[] = [];
      const { port, accepted } = await serve({}, undefined, order);
      const client = await rawConnect(port);
      // The first frame comes in the segment of the handshake.
      client.write(Buffer.concat([Buffer.from(handshake('/')), frame({ opcode: opcodes.text, payload: 'early' })]));
      expect((await client.answer()).status).toBe(101);
      const { told } = await accepted.next();
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'early' });
      expect(order).toEqual(['accepted', 'returned']);
    });

    it('announces the subprotocol that was chosen', async () => {
      const { port } = await serve({}, 'chat.v2');
      const client = await rawConnect(port);
      client.write(handshake('/', { headers: { 'Sec-WebSocket-Protocol': 'chat.v1, chat.v2' } }));
      expect((await client.answer()).headers['sec-websocket-protocol']).toBe('chat.v2');
    });

    it('leaves the subprotocol out when none was chosen', async () => {
      const { port } = await serve();
      const client = await rawConnect(port);
      client.write(handshake('/', { headers: { 'Sec-WebSocket-Protocol': 'chat.v1' } }));
      const { status, headers } = await client.answer();
      expect(status).toBe(101);
      expect(headers['sec-websocket-protocol']).toBeUndefined();
    });
  });

  describe(`${name}: messages`, () => {
    it('tells messages and signs of life in the order of the wire', async () => {
      const { client, told } = await open();
      client.write(
        Buffer.concat([
          frame({ opcode: opcodes.text, payload: 'one' }),
          frame({ opcode: opcodes.ping }),
          frame({ opcode: opcodes.binary, payload: Uint8Array.of(0, 255) }),
          frame({ opcode: opcodes.pong }),
          frame({ opcode: opcodes.text, payload: '' }),
        ]),
      );
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'one' });
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
      const binary = await told.facts.next();
      expect(binary.type === 'binary' && [...binary.data]).toEqual([0, 255]);
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
      expect(await told.facts.next()).toEqual({ type: 'text', text: '' });
    });

    it('tells a fragmented message once, whole, also when a character is cut', async () => {
      const { client, told } = await open();
      const bytes = Buffer.from('a€b');
      client.send({ opcode: opcodes.text, payload: bytes.subarray(0, 2), fin: false });
      client.send({ opcode: opcodes.ping });
      client.send({ opcode: opcodes.continuation, payload: bytes.subarray(2) });
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'a€b' });
    });

    it('leaves binary data to its receiver: later messages do not change it', async () => {
      const { client, told } = await open();
      for (const value of [1, 2, 3]) client.send({ opcode: opcodes.binary, payload: Buffer.alloc(500, value) });
      const kept = [await told.facts.next(), await told.facts.next(), await told.facts.next()];
      client.send({ opcode: opcodes.binary, payload: Buffer.alloc(500, 4) });
      await told.facts.next();
      const values = kept.map((fact) => (fact.type === 'binary' ? new Set(fact.data) : undefined));
      expect(values).toEqual([new Set([1]), new Set([2]), new Set([3])]);
    });

    it('answers a ping with its payload', async () => {
      const { client } = await open();
      client.send({ opcode: opcodes.ping, payload: 'there?' });
      const pong = await client.nextFrame();
      expect(pong.opcode).toBe(opcodes.pong);
      expect(pong.payload.toString()).toBe('there?');
    });

    it('takes a message of exactly maxPayload bytes', async () => {
      const { client, told } = await open({ maxPayload: 1000 });
      client.text('x'.repeat(1000));
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'x'.repeat(1000) });
    });
  });

  describe(`${name}: bytesReceived`, () => {
    it('grows with half a frame, and with the other half', async () => {
      const { client, socket, told } = await open();
      const ping = frame({ opcode: opcodes.ping });
      const message = frame({ opcode: opcodes.text, payload: 'x'.repeat(1000) });
      const half = message.subarray(0, 500);
      const before = socket.bytesReceived;

      // In one segment: who has been told of the ping has received the half behind it.
      client.write(Buffer.concat([ping, half]));
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
      const between = socket.bytesReceived;
      expect(between - before).toBeGreaterThanOrEqual(ping.length + half.length);

      client.write(message.subarray(500));
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'x'.repeat(1000) });
      expect(socket.bytesReceived - between).toBeGreaterThanOrEqual(message.length - half.length);
      expect(told.facts.all).toHaveLength(2);
    });

    it('stays as it is while nothing arrives, whatever is written', async () => {
      const { client, socket } = await open();
      const before = socket.bytesReceived;
      socket.write(serverText('one'));
      socket.write(serverText('two'));
      expect([await client.nextText(), await client.nextText()]).toEqual(['one', 'two']);
      expect(socket.bytesReceived).toBe(before);
    });
  });

  describe(`${name}: write and ping`, () => {
    it('writes many frames, in one call and in several, in their order', async () => {
      const { client, socket } = await open();
      const texts = Array.from({ length: 300 }, (_, index) => `message ${index}`);
      socket.write(Buffer.concat(texts.slice(0, 100).map(serverText)));
      socket.write(Buffer.alloc(0));
      for (const text of texts.slice(100, 200)) socket.write(serverText(text));
      socket.write(Buffer.concat(texts.slice(200).map(serverText)));
      const received: string[] = [];
      while (received.length < texts.length) received.push(await client.nextText());
      expect(received).toEqual(texts);
    });

    it('sends a ping', async () => {
      const { client, socket, told } = await open();
      socket.ping();
      const ping = await client.nextFrame();
      expect(ping.opcode).toBe(opcodes.ping);
      client.send({ opcode: opcodes.pong, payload: ping.payload });
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
    });

    it('counts what a stalled remote side leaves unread, and tells when it is down to zero', async () => {
      const { client, socket, told } = await open();
      expect(socket.bufferedBytes).toBe(0);
      client.stall();
      fill(socket, 1_000_000);
      expect(socket.bufferedBytes).toBeGreaterThan(0);
      client.resume();
      expect(await told.facts.next()).toEqual({ type: 'drain' });
      expect(socket.bufferedBytes).toBe(0);
    });

    // A stream of Node tells `drain` only above its own high-water mark, which an application may set for its server.
    it.each([
      { title: 'of the default', highWaterMark: undefined },
      { title: 'that is larger', highWaterMark: 4_000_000 },
    ])(
      'tells it from 64 KiB in small frames on, with a high-water mark of the stream $title',
      async ({ highWaterMark }) => {
        const { client, socket, told } = await open({}, highWaterMark);
        client.stall();
        const count = fill(socket, 1000, 65_536);
        client.resume();
        for (let received = 0; received < count; received += 1) await client.nextText();
        // The client has everything: a round trip later the server must have heard of it.
        await client.roundTrip();
        expect(told.facts.all).toContainEqual({ type: 'drain' });
        expect(socket.bufferedBytes).toBe(0);
      },
    );
  });

  describe(`${name}: pause and resume`, () => {
    /** Round trips on another socket: whatever was on its way has been read by now, if it is read at all. */
    async function settle(port: number): Promise<void> {
      const other = await rawUpgrade(port, '/');
      for (let trips = 0; trips < 5; trips += 1) await other.roundTrip(`trip ${trips}`);
    }

    it('stops reading, so that TCP holds the remote side back, and reads on', async () => {
      const { client, socket, told, port } = await open();
      socket.pause();
      const sent = 20_000;
      const message = frame({ opcode: opcodes.text, payload: 'x'.repeat(1000) });
      client.write(Buffer.concat(Array.from({ length: sent }, () => message)));
      await settle(port);
      expect(told.facts.all).toEqual([]);
      expect(client.socket.writableLength).toBeGreaterThan(0);
      socket.resume();
      for (let received = 0; received < sent; received += 1) {
        const fact = await told.facts.next();
        if (fact.type !== 'text' || fact.text.length !== 1000) throw new Error(`told ${JSON.stringify(fact)}`);
      }
      expect(client.socket.writableLength).toBe(0);
    });

    it('still writes while it does not read', async () => {
      const { client, socket } = await open();
      socket.pause();
      socket.write(serverText('sent while paused'));
      expect(await client.nextText()).toBe('sent while paused');
    });

    it('may be called twice, and resume without pause', async () => {
      const { client, socket, told } = await open();
      socket.resume();
      socket.pause();
      socket.pause();
      socket.resume();
      client.text('heard');
      expect(await told.facts.next()).toEqual({ type: 'text', text: 'heard' });
    });
  });

  describe(`${name}: a close by the remote side`, () => {
    it.each([
      {
        title: 'with code and reason',
        bytes: closeFrame(4001, 'bye €'),
        info: { code: 4001, reason: 'bye €' },
        answer: 4001,
      },
      { title: 'with a code alone', bytes: closeFrame(1001), info: { code: 1001, reason: '' }, answer: 1001 },
      {
        title: 'without a code, told as 1005',
        bytes: frame({ opcode: opcodes.close }),
        info: { code: 1005, reason: '' },
        answer: 1005,
      },
    ])('is told $title, then answered, then ends', async ({ bytes, info, answer }) => {
      const { client, told } = await open();
      client.write(bytes);
      expect(closeCodeOf(await client.nextFrame())).toBe(answer);
      client.socket.end();
      expect(await told.untilClosed()).toEqual([
        { type: 'before close' },
        { type: 'closing', info },
        { type: 'closed' },
      ]);
    });

    it('is told at once, even when the remote side never ends the TCP connection', async () => {
      const { client, told } = await open();
      client.write(closeFrame(1000));
      expect(await told.facts.next()).toEqual({ type: 'before close' });
      expect(await told.facts.next()).toEqual({ type: 'closing', info: { code: 1000, reason: '' } });
    });

    it('is told once, whatever follows the close frame', async () => {
      const { client, told } = await open();
      client.write(
        Buffer.concat([closeFrame(1000), closeFrame(1001), frame({ opcode: opcodes.text, payload: 'late' })]),
      );
      await client.nextFrame();
      client.destroy();
      expect(await told.untilClosed()).toEqual([
        { type: 'before close' },
        { type: 'closing', info: { code: 1000, reason: '' } },
        { type: 'closed' },
      ]);
    });

    it('may be answered with a code of our own from within onClosing', async () => {
      const { client, socket, told } = await open();
      told.atClosing = () => socket.close(4002, 'ours');
      client.write(closeFrame(1000));
      expect(closeCodeOf(await client.nextFrame())).toBe(4002);
      client.socket.end();
      expect((await told.untilClosed()).map(({ type }) => type)).toEqual(['before close', 'closing', 'closed']);
      expect(client.frames.all).toHaveLength(1);
    });

    it('is bounded when the remote side never ends the TCP connection', async () => {
      const { client, told } = await open({ closeTimeoutMs: 20 });
      client.write(closeFrame(1000));
      await told.closed.opened;
      await client.ended;
    });
  });

  describe(`${name}: our close`, () => {
    it('sends the code and reason, and is not told as a closing', async () => {
      const { client, socket, told } = await open();
      socket.close(4000, 'enough');
      const close = await client.nextFrame();
      expect(closeCodeOf(close)).toBe(4000);
      expect(close.payload.subarray(2).toString()).toBe('enough');
      client.write(closeFrame(4000));
      client.socket.end();
      expect(await told.untilClosed()).toEqual([{ type: 'closed' }]);
    });

    it('is not told as a closing either when the remote side answers with another code', async () => {
      const { client, socket, told } = await open();
      socket.close(1000, '');
      client.write(closeFrame(4999, 'mine'));
      client.socket.end();
      expect(await told.untilClosed()).toEqual([{ type: 'closed' }]);
    });

    it('is ignored the second time', async () => {
      const { client, socket, told } = await open();
      socket.close(4001, 'first');
      socket.close(4002, 'second');
      expect(closeCodeOf(await client.nextFrame())).toBe(4001);
      client.write(closeFrame(4001));
      client.socket.end();
      await told.closed.opened;
      await client.ended;
      expect(client.frames.all).toHaveLength(1);
    });

    it('comes behind everything that was written before', async () => {
      const { client, socket } = await open();
      socket.write(Buffer.concat([serverText('one'), serverText('two')]));
      socket.close(1000, '');
      const order = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()];
      expect(order.map(({ opcode }) => opcode)).toEqual([opcodes.text, opcodes.text, opcodes.close]);
    });

    it('still receives what the remote side sent before its answer', async () => {
      const { client, socket, told } = await open();
      socket.close(1000, '');
      await client.nextFrame();
      client.text('crossed');
      client.write(closeFrame(1000));
      client.socket.end();
      expect(await told.untilClosed()).toEqual([{ type: 'text', text: 'crossed' }, { type: 'closed' }]);
    });

    it('destroys the socket when no answer comes within closeTimeoutMs', async () => {
      const { client, socket, told } = await open({ closeTimeoutMs: 20 });
      socket.close(1000, '');
      expect(await told.untilClosed()).toEqual([{ type: 'closed' }]);
      await client.ended;
    });
  });

  describe(`${name}: what is written before the transport closes by itself`, () => {
    it.each([
      { title: 'the answer to the remote close', bytes: closeFrame(1000) },
      { title: 'the close for a violation', bytes: frame({ opcode: 3 }) },
    ])('comes before $title', async ({ bytes }) => {
      const { client, socket, told } = await open();
      told.atBeforeClose = () => socket.write(Buffer.concat([serverText('last'), serverText('words')]));
      client.write(bytes);
      const order = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()];
      expect(order.map(({ opcode }) => opcode)).toEqual([opcodes.text, opcodes.text, opcodes.close]);
      client.destroy();
      const types = (await told.untilClosed()).map(({ type }) => type);
      expect(types.filter((type) => type === 'before close')).toHaveLength(1);
    });
  });

  describe(`${name}: nothing behind a close frame`, () => {
    /** Tries everything that writes. */
    function writeAll(socket: Socket): void {
      socket.write(serverText('late'));
      socket.write(Buffer.concat([serverText('late'), serverText('later')]));
      socket.ping();
      socket.close(4999, 'late');
    }

    it('is written after our close, not even a pong', async () => {
      const { client, socket, told } = await open();
      socket.close(1000, '');
      writeAll(socket);
      client.send({ opcode: opcodes.ping, payload: 'still there?' });
      expect(await told.facts.next()).toEqual({ type: 'sign of life' });
      writeAll(socket);
      client.write(closeFrame(1000));
      client.socket.end();
      await told.closed.opened;
      await client.ended;
      expect(client.frames.all.map(({ opcode }) => opcode)).toEqual([opcodes.close]);
    });

    it('is written after the answer to the remote close', async () => {
      const { client, socket, told } = await open();
      client.write(closeFrame(1000));
      await told.facts.until(({ type }) => type === 'closing');
      await client.nextFrame();
      writeAll(socket);
      client.socket.end();
      await told.closed.opened;
      await client.ended;
      expect(client.frames.all.map(({ opcode }) => opcode)).toEqual([opcodes.close]);
    });

    it('is written after the close for a violation', async () => {
      const { client, socket, told } = await open();
      client.send({ opcode: 3 });
      await told.facts.until(({ type }) => type === 'violation');
      writeAll(socket);
      client.socket.end();
      await told.closed.opened;
      await client.ended;
      expect(client.frames.all.map(({ opcode }) => opcode)).toEqual([opcodes.close]);
    });
  });

  describe(`${name}: a violation`, () => {
    const invalid = Uint8Array.of(0xc3, 0x28);
    const cut = Buffer.from('€').subarray(0, 2);

    it.each<{ title: string; bytes: Uint8Array; code: number }>([
      { title: 'reserved bits', bytes: frame({ opcode: opcodes.text, rsv: 1, payload: 'x' }), code: 1002 },
      {
        title: 'the bit of compression, which was not negotiated',
        bytes: frame({ opcode: opcodes.text, rsv: 4, payload: 'x' }),
        code: 1002,
      },
      { title: 'a reserved data opcode', bytes: frame({ opcode: 3, payload: 'x' }), code: 1002 },
      { title: 'a reserved control opcode', bytes: frame({ opcode: 11 }), code: 1002 },
      {
        title: 'a frame without a mask',
        bytes: frame({ opcode: opcodes.text, payload: 'x', masked: false }),
        code: 1002,
      },
      { title: 'a fragmented control frame', bytes: frame({ opcode: opcodes.ping, fin: false }), code: 1002 },
      {
        title: 'a control frame over 125 bytes',
        bytes: frame({ opcode: opcodes.ping, payload: 'x'.repeat(126) }),
        code: 1002,
      },
      { title: 'a continuation of nothing', bytes: frame({ opcode: opcodes.continuation, payload: 'x' }), code: 1002 },
      {
        title: 'a new message within a fragmented one',
        bytes: Buffer.concat([
          frame({ opcode: opcodes.text, payload: 'x', fin: false }),
          frame({ opcode: opcodes.text, payload: 'y' }),
        ]),
        code: 1002,
      },
      {
        title: 'a close frame with half a code',
        bytes: frame({ opcode: opcodes.close, payload: Uint8Array.of(3) }),
        code: 1002,
      },
      { title: 'a close frame with a code that may not be sent', bytes: closeFrame(1005), code: 1002 },
      { title: 'a close frame with a reason that is no UTF-8', bytes: closeFrame(1000, invalid), code: 1007 },
      { title: 'text that is no UTF-8', bytes: frame({ opcode: opcodes.text, payload: invalid }), code: 1007 },
      { title: 'text that ends within a character', bytes: frame({ opcode: opcodes.text, payload: cut }), code: 1007 },
      {
        title: 'text that is no UTF-8 over its fragments',
        bytes: Buffer.concat([
          frame({ opcode: opcodes.text, payload: cut, fin: false }),
          frame({ opcode: opcodes.continuation, payload: 'x' }),
        ]),
        code: 1007,
      },
      {
        title: 'a message over maxPayload',
        bytes: frame({ opcode: opcodes.text, payload: 'x'.repeat(1001) }),
        code: 1009,
      },
      {
        title: 'fragments over maxPayload together',
        bytes: Buffer.concat([
          frame({ opcode: opcodes.binary, payload: Buffer.alloc(600), fin: false }),
          frame({ opcode: opcodes.continuation, payload: Buffer.alloc(600) }),
        ]),
        code: 1009,
      },
      {
        title: 'a length over maxPayload, before its bytes arrive',
        bytes: frame({ opcode: opcodes.binary, claimedLength: 1n << 40n }),
        code: 1009,
      },
    ])('by $title is told with $code, which is sent', async ({ bytes, code }) => {
      const { client, told } = await open();
      client.write(bytes);
      expect(await client.closeCode()).toBe(code);
      client.destroy();
      const facts = await told.untilClosed();
      expect(facts).toEqual([
        { type: 'before close' },
        { type: 'violation', error: expect.any(Error), info: { code, reason: '' } },
        { type: 'closed' },
      ]);
    });

    it('tells nothing of what follows it', async () => {
      const { client, told } = await open();
      client.write(
        Buffer.concat([frame({ opcode: 3 }), frame({ opcode: opcodes.text, payload: 'late' }), closeFrame(1000)]),
      );
      await client.closeCode();
      client.destroy();
      expect((await told.untilClosed()).map(({ type }) => type)).toEqual(['before close', 'violation', 'closed']);
    });
  });

  describe(`${name}: the end`, () => {
    it.each<{ title: string; end: (ends: { client: RawClient; socket: Socket }) => void }>([
      { title: 'the remote side ends TCP without a close frame', end: ({ client }) => client.destroy() },
      { title: 'the remote side ends its half of TCP', end: ({ client }) => client.socket.end() },
      { title: 'the remote side resets', end: ({ client }) => client.reset() },
      { title: 'we destroy it', end: ({ socket }) => socket.destroy() },
      {
        title: 'we destroy it twice, and close it',
        end: ({ socket }) => {
          socket.destroy();
          socket.destroy();
          socket.close(1000, '');
        },
      },
    ])('is told once and last, without a closing, when $title', async ({ end }) => {
      const { client, socket, told } = await open();
      client.text('before');
      await told.facts.next();
      end({ client, socket });
      expect(await told.untilClosed()).toEqual([{ type: 'text', text: 'before' }, { type: 'closed' }]);
      await client.ended;
      // No close frame: the remote side sees 1006.
      expect(client.frames.all).toEqual([]);
    });

    it('is told when a reset meets bytes that could not be written', async () => {
      const { client, socket, told } = await open();
      client.stall();
      fill(socket, 1_000_000);
      client.reset();
      expect((await told.untilClosed()).at(-1)).toEqual({ type: 'closed' });
    });

    it('is told when we destroy it in the middle of the closing handshake', async () => {
      const { client, socket, told } = await open();
      socket.close(1000, '');
      await client.nextFrame();
      socket.destroy();
      expect(await told.untilClosed()).toEqual([{ type: 'closed' }]);
    });

    it('is told when we destroy it while it does not read', async () => {
      const { client, socket, told } = await open();
      socket.pause();
      client.text('unread');
      socket.destroy();
      expect((await told.untilClosed()).at(-1)).toEqual({ type: 'closed' });
    });

    it('leaves every method safe to call', async () => {
      const { client, socket, told } = await open();
      const { bytesReceived } = socket;
      client.destroy();
      await told.closed.opened;
      socket.write(serverText('late'));
      socket.ping();
      socket.close(1000, 'late');
      socket.pause();
      socket.resume();
      socket.destroy();
      expect(socket.bufferedBytes).toBe(0);
      expect(socket.bytesReceived).toBe(bytesReceived);
      await turns(5);
      expect(told.facts.all).toEqual([{ type: 'closed' }]);
    });
  });
}
