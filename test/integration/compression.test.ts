import { randomBytes } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import zlib, { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { defineService } from 'troupe';
import { capture } from '../support/capture.ts';
import { connect } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { frame, handshake, opcodes, rawConnect, rawUpgrade, type Frame, type RawClient } from '../support/raw.ts';
import { createGate, Inbox } from '../support/inbox.ts';
import { serve, watch, type ServeOptions, type Server } from '../support/server.ts';

const path = '/test/websocket';
const long = JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, state: 'open', room: 'lobby' })));
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const offers = (offer = 'permessage-deflate'): { headers: Record<string, string> } => ({
  headers: { 'Sec-WebSocket-Extensions': offer },
});

async function serveCompressed(options: ServeOptions = {}) {
  const captured = capture(at(path));
  const server = await serve([captured.service], { compression: true, ...options });
  return { server, captured };
}

function deflated(data: string | Uint8Array): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL.length);
}

function inflated({ payload }: Frame): string {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

/** Sees every message that is compressed from now on. */
function watchDeflate() {
  const spy = vi.spyOn(zlib, 'deflateRawSync');
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return spy;
}

describe('the handshake', () => {
  async function negotiated(
    server: Server,
    offer: string,
  ): Promise<{ status: number; extensions: string | undefined }> {
    const client = await rawConnect(server.port);
    client.write(handshake(path, offers(offer)));
    const { status, headers } = await client.answer();
    return { status, extensions: headers['sec-websocket-extensions'] };
  }

  it.each([
    ['permessage-deflate', ''],
    ['permessage-deflate; client_max_window_bits', ''],
    ['permessage-deflate; server_max_window_bits=10', 'server_max_window_bits=10'],
    ['permessage-deflate; memory=8, permessage-deflate; server_max_window_bits=9', 'server_max_window_bits=9'],
  ])('accepts "%s", always without context takeover', async (offer, also) => {
    const { server } = await serveCompressed();
    const { status, extensions } = await negotiated(server, offer);
    const parameters = extensions?.split('; ').toSorted();
    const expected = ['client_no_context_takeover', 'permessage-deflate', 'server_no_context_takeover', also];
    expect(status).toBe(101);
    expect(parameters).toEqual(expected.filter((one) => one !== '').toSorted());
  });

  it.each(['permessage-deflate; memory=8', 'permessage-deflate; server_max_window_bits=7', 'permessage-bzip2'])(
    'goes on without compression for "%s"',
    async (offer) => {
      const { server } = await serveCompressed();
      expect(await negotiated(server, offer)).toEqual({ status: 101, extensions: undefined });
    },
  );

  it('is refused with 400 when the header is no list of extensions', async () => {
    const { server } = await serveCompressed();
    expect(await negotiated(server, 'permessage-deflate; ;')).toMatchObject({ status: 400 });
  });

  it('offers nothing in return when compression is off, by default and for one service', async () => {
    const off = await serve([capture(at(path)).service]);
    expect(await negotiated(off, 'permessage-deflate')).toEqual({ status: 101, extensions: undefined });
    const service = defineService({ ...at(path), compression: false, onTextMessage: () => undefined });
    const on = await serve([service], { compression: true });
    expect(await negotiated(on, 'permessage-deflate')).toEqual({ status: 101, extensions: undefined });
  });

  it('still settles the subprotocol', async () => {
    const service = defineService({ ...at(path), subprotocols: ['chat.v1'], onTextMessage: () => undefined });
    const server = await serve([service], { compression: true });
    const client = await connect(server.url(path), { compression: true, protocols: ['other', 'chat.v1'] });
    expect([client.socket.protocol, client.socket.extensions]).toEqual(['chat.v1', 'permessage-deflate']);
  });
});

describe('a message that is pushed', () => {
  it('is compressed from the threshold on', async () => {
    const { server, captured } = await serveCompressed({ compression: { thresholdBytes: 100 } });
    const client = await rawUpgrade(server.port, path, offers());
    const connection = await captured.opened.next();

    for (const bytes of [99, 100]) connection.pushText('x'.repeat(bytes));

    const [plain, compressed] = [await client.nextFrame(), await client.nextFrame()];
    expect([plain.rsv, plain.payload.toString()]).toEqual([0, 'x'.repeat(99)]);
    expect([compressed.rsv, inflated(compressed)]).toEqual([4, 'x'.repeat(100)]);
  });

  it('is compressed once for a thousand receivers', { timeout: 30_000 }, async () => {
    const { server } = await serveCompressed();
    const clients: RawClient[] = [];
    while (clients.length < 1000) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => rawUpgrade(server.port, path, offers())))));
    }
    const deflate = watchDeflate();

    expect(server.troupe.broadcastText(path, long)).toMatchObject({ status: 'delivered', count: 1000 });

    const frames = await Promise.all(clients.map((client) => client.nextFrame()));
    expect(deflate).toHaveBeenCalledTimes(1);
    for (const each of frames) expect(each.rsv === 4 && each.payload.equals(frames[0]!.payload)).toBe(true);
    expect(inflated(frames[0]!)).toBe(long);
  });

  it('is compressed once for a group of several services, and goes as it is to those without', async () => {
    const deflate = watchDeflate();
    const settings = { '/a': true, '/b': { thresholdBytes: 1 }, '/c': false };
    const services = Object.entries(settings).map(([basePath, compression]) =>
      defineService({ basePath, compression, onOpen: (connection) => void connection.addConnectionToGroup('g') }),
    );
    const server = await serve(services);
    const clients = await Promise.all([
      rawUpgrade(server.port, '/a', offers()),
      rawUpgrade(server.port, '/a'),
      rawUpgrade(server.port, '/b', offers()),
      rawUpgrade(server.port, '/c', offers()),
    ]);

    server.troupe.pushTextToGroup('g', long);

    const frames = await Promise.all(clients.map((client) => client.nextFrame()));
    expect(frames.map(({ rsv }) => rsv)).toEqual([4, 0, 4, 0]);
    expect(frames.map((each) => (each.rsv === 0 ? each.payload.toString() : inflated(each)))).toEqual([
      long,
      long,
      long,
      long,
    ]);
    expect(deflate).toHaveBeenCalledTimes(1);
  });

  it('is not compressed when nobody has asked for it', async () => {
    const { server } = await serveCompressed();
    const deflate = watchDeflate();
    const client = await rawUpgrade(server.port, path);
    server.troupe.broadcastText(path, long);
    expect(await client.nextText()).toBe(long);
    expect(deflate).not.toHaveBeenCalled();
  });

  it('goes as it is to a receiver whose window is smaller than the message', async () => {
    const { server } = await serveCompressed();
    const small = await rawUpgrade(server.port, path, offers('permessage-deflate; server_max_window_bits=10'));
    const large = await rawUpgrade(server.port, path, offers('permessage-deflate; server_max_window_bits=12'));
    server.troupe.broadcastText(path, long);
    const frames = [await small.nextFrame(), await large.nextFrame()];
    expect(frames.map(({ rsv }) => rsv)).toEqual([0, 4]);
    expect([frames[0]!.payload.toString(), inflated(frames[1]!)]).toEqual([long, long]);
  });

  it('goes as it is when it does not become smaller', async () => {
    const { server } = await serveCompressed({ compression: { thresholdBytes: 0 } });
    const client = await rawUpgrade(server.port, path, offers());
    const noise = randomBytes(5000);
    server.troupe.broadcastBinary(path, noise);
    const { rsv, payload } = await client.nextFrame();
    expect([rsv, payload]).toEqual([0, noise]);
  });

  it('arrives in order, short and long, text and binary, and before the close frame', async () => {
    const { server, captured } = await serveCompressed();
    const { client, connection } = await captured.pair(server, path, { compression: true });
    await connection.storeConnection('one');
    const sent: (string | Uint8Array)[] = [];
    for (let index = 0; index < 40; index += 1) {
      const text = index % 3 === 0 ? `${index}` : `${index}${long}`;
      const message = index % 2 === 0 ? text : Uint8Array.from(Buffer.from(text));
      sent.push(message);
      if (typeof message !== 'string') connection.pushBinary(message);
      else if (index % 4 === 0) server.troupe.pushTextToConnection('one', message);
      else connection.broadcastText(message);
    }
    connection.closeConnection(4000, 'enough');

    expect(await client.untilClosed()).toEqual(sent);
    expect(await client.closed).toEqual({ code: 4000, reason: 'enough' });
  });

  it('is measured by what is written: the hard cap holds for the compressed form', async () => {
    const limits = { highWaterMarkBytes: 65_536, hardCapBytes: 65_536 };
    const { server, captured } = await serveCompressed({ limits });
    const { client, connection } = await captured.pair(server, path, { compression: true });
    const plain = await captured.pair(server, path);
    const text = 'x'.repeat(500_000);

    expect(connection.pushText(text).status).toBe('delivered');
    expect(plain.connection.pushText(text).status).toBe('congested');
    expect(await client.next()).toBe(text);
  });

  it('that is undeliverable is reported with the bytes of the message', async () => {
    const limits = { highWaterMarkBytes: 65_536, hardCapBytes: 65_536 };
    const { server, captured } = await serveCompressed({ limits });
    const deadLetters = watch(server.troupe, 'push.dead-lettered');
    const { connection } = await captured.pair(server, path, { compression: true });
    // Takes about half its room.
    const text = randomBytes(200_000).toString('hex');

    expect(connection.pushText(text).status).toBe('congested');
    expect(await deadLetters.next()).toMatchObject({ status: 'congested', bytes: 400_000 });
  });

  it('is delivered as it is when it cannot be compressed', async () => {
    const { server, captured } = await serveCompressed();
    const { client, connection } = await captured.pair(server, path, { compression: true });
    watchDeflate().mockImplementation(() => {
      throw new Error('out of memory');
    });
    expect(connection.pushText(long).status).toBe('delivered');
    expect(await client.next()).toBe(long);
  });
});

describe('a message that is received', () => {
  it('is inflated, each one by itself, and keeps its place among others', async () => {
    const { server, captured } = await serveCompressed();
    const { client } = await captured.pair(server, path, { compression: { threshold: 1000 } });
    for (const text of [long, 'short', `${long}!`, 'last']) client.send(text);
    for (const text of [long, 'short', `${long}!`, 'last']) expect(await captured.texts.next()).toBe(text);
  });

  it('is inflated across its fragments', async () => {
    const { server, captured } = await serveCompressed();
    const client = await rawUpgrade(server.port, path, offers());
    const data = deflated(long);
    client.send({ opcode: opcodes.text, rsv: 4, fin: false, payload: data.subarray(0, 10) });
    client.send({ opcode: opcodes.continuation, payload: data.subarray(10) });
    expect(await captured.texts.next()).toBe(long);
  });

  const bad = [
    { title: 'no deflated data', code: 1007, bytes: frame({ opcode: opcodes.text, rsv: 4, payload: 'no deflate' }) },
    {
      title: 'invalid UTF-8 when inflated',
      code: 1007,
      bytes: frame({ opcode: opcodes.text, rsv: 4, payload: deflated(Uint8Array.of(0xc3, 0x28)) }),
    },
    {
      title: 'larger than maxPayload when inflated',
      code: 1009,
      bytes: frame({ opcode: opcodes.binary, rsv: 4, payload: deflated(new Uint8Array(900_000)) }),
    },
    {
      title: 'compressed as a control frame',
      code: 1002,
      bytes: frame({ opcode: opcodes.ping, rsv: 4, payload: deflated('ping') }),
    },
  ];

  it.each(bad)('closes with $code when it is $title, and harms nobody else', async ({ code, bytes }) => {
    const { server, captured } = await serveCompressed({ limits: { maxPayload: 5000 } });
    const other = await captured.pair(server, path, { compression: true });
    const client = await rawUpgrade(server.port, path, offers());
    client.write(bytes);

    expect(await client.closeCode()).toBe(code);
    client.socket.end();
    expect(await captured.closes.next()).toMatchObject({ code });
    other.client.send(long);
    expect(await captured.texts.next()).toBe(long);
    other.connection.pushText(long);
    expect(await other.client.next()).toBe(long);
  });

  it('closes with 1008 when much is inflated while a handler is busy', async () => {
    const gate = createGate();
    onTestFinished(() => gate.open());
    const closes = new Inbox<number>();
    const service = defineService({
      ...at(path),
      onBinaryMessage: () => gate.opened,
      onClose: (_connection, { code }) => closes.push(code),
    });
    const server = await serve([service], { compression: true });
    const violated = watch(server.troupe, 'connection.violated');
    const client = await rawUpgrade(server.port, path, offers());
    const bomb = frame({ opcode: opcodes.binary, rsv: 4, payload: deflated(new Uint8Array(1_000_000)) });
    client.write(Buffer.concat(Array.from({ length: 40 }, () => bomb)));

    expect(await client.closeCode()).toBe(1008);
    // What still comes is read and dropped, so that the end is seen.
    client.write(bomb);
    client.socket.end();
    gate.open();
    expect(await closes.next()).toBe(1008);
    expect(violated.all).toHaveLength(1);
  });

  it('is not lost when a handler is busy for long', async () => {
    const gate = createGate();
    const received = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection, text) {
        await gate.opened;
        received.push(text);
      },
    });
    const server = await serve([service], { compression: true });
    const client = await connect(server.url(path), { compression: true });
    const texts = Array.from({ length: 300 }, (_, index) => `${index}${long.repeat(10)}`);
    for (const text of texts) client.send(text);
    gate.open();

    for (const text of texts) expect(await received.next()).toBe(text);
  });

  it('closes with 1002 when it is compressed and that was not negotiated', async () => {
    const { server } = await serveCompressed();
    const client = await rawUpgrade(server.port, path);
    client.send({ opcode: opcodes.text, rsv: 4, payload: deflated(long) });
    expect(await client.closeCode()).toBe(1002);
  });

  it('that is being inflated when the connection is lost leaves one close behind it', async () => {
    const { server, captured } = await serveCompressed();
    const client = await rawUpgrade(server.port, path, offers());
    for (let index = 0; index < 20; index += 1) {
      client.send({ opcode: opcodes.text, rsv: 4, payload: deflated(long.repeat(50)) });
    }
    client.socket.end();
    expect(await captured.closes.next()).toMatchObject({ code: 1006 });
    expect(captured.texts.all).toEqual(Array.from({ length: 20 }, () => long.repeat(50)));
  });
});
