import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
  BasePath,
  OnBinaryMessage,
  OnClose,
  OnError,
  OnIdle,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  createTroupe,
  defineService,
  type Connection,
} from 'troupe';
import { bytes, connect, refused } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, echo } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { frame, opcodes, rawUpgrade } from '../support/raw.ts';
import { advanceUntil, serve } from '../support/server.ts';
import { certificate } from '../support/certificate.ts';

/** The tests of today's Ballerina module that fit; each bears the name of its original. */
const path = '/test/websocket';

describe('upgrade', () => {
  it('testIncorrectPath, testServiceNotFound: fails the handshake of an unmatched path with 404', async () => {
    const server = await serve([echo('handlers', at('/basic/ws'))]);

    expect(await refused(server.url('/basic/incorrect'))).toMatchObject({ status: 404 });
    expect(await refused(server.url('/another'))).toMatchObject({ status: 404 });
  });

  it('testIsOpenCloseCalled: path and query parameters reach the service; isOpen is false after the close', async () => {
    const isOpen: boolean[] = [];
    const service = defineService({
      basePath: '/isOpen',
      webSocketUpgradePath: '/abc/{name}/{age}',
      onOpen(connection) {
        const { name, age } = connection.params;
        connection.pushText(`${name} ${age} ${connection.query.get('q1')}`);
      },
      onTextMessage(connection) {
        isOpen.push(connection.isOpen);
        connection.closeConnection();
        isOpen.push(connection.isOpen);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url('/isOpen/abc/barz/30?q1=x'));
    expect(await client.next()).toBe('barz 30 x');
    client.send('close');
    await client.closed;

    expect(isOpen).toEqual([true, false]);
  });

  it('testPortSharingHttpService: serves HTTP on the same port', async () => {
    const server = await serve([echo('handlers', at(path))], {
      http: (_request, response) => {
        response.end('some content');
      },
    });
    const client = await connect(server.url(path));
    client.send('hi');

    expect(await (await fetch(server.http('/http'))).text()).toBe('some content');
    expect(await client.next()).toBe('hi');
  });
});

describe('caller', () => {
  it('testAttributes: keeps attributes, tells isSecure and the subprotocol xml', async () => {
    const log = new Inbox<unknown>();
    const service = defineService({
      ...at(path),
      subprotocols: ['xml', 'my-protocol'],
      onOpen(connection: Connection) {
        connection.attributes.set('user', 'one');
      },
      onTextMessage(connection: Connection) {
        log.push(connection.attributes.get('user'));
        log.push(connection.attributes.delete('user'));
        log.push(connection.attributes.get('user'));
        log.push(connection.isSecure);
        log.push(connection.subprotocol);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path), { protocols: ['xml'] });
    client.send('go');
    for (let index = 0; index < 5; index += 1) await log.next();

    expect(log.all).toEqual(['one', true, undefined, false, 'xml']);
  });

  it('testAttributes: tells that a TLS connection is secure', async () => {
    const service = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        connection.pushText(`secure: ${connection.isSecure}`);
      },
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const server = await serve([service], { listen: { tls: certificate() } });
    const client = await connect(server.url(path), { rejectUnauthorized: false });

    expect(await client.next()).toBe('secure: true');
    client.send('over TLS');
    expect(await client.next()).toBe('over TLS');
  });

  it('testCallerClose, pushTextFailure: the second close and the write after it answer `closed`', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    expect(connection.closeConnection(1001, 'first')).toMatchObject({ status: 'ok' });
    expect(connection.closeConnection(1002, 'second')).toMatchObject({ status: 'closed' });
    expect(connection.pushText('late')).toMatchObject({ status: 'closed' });
    expect(connection.pushBinary(bytes('late'))).toMatchObject({ status: 'closed' });

    expect(await client.closed).toEqual({ code: 1001, reason: 'first' });
    expect(await client.untilClosed()).toEqual([]);
  });
});

describe('close frames', () => {
  it.each([
    ['testNormalClosure', 1000],
    ['testGoingAway', 1001],
    ['testProtocolError', 1002],
    ['testUnsupportedData', 1003],
    ['testInvalidPayload', 1007],
    ['testPolicyViolation', 1008],
    ['testMessageTooBig', 1009],
    ['testInternalServerError', 1011],
    ['testCustomCloseFrame', 3555],
  ])('%s: %i arrives with its reason and the connection is closed', async (title, code) => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.closeConnection(code, title);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('close');

    expect(await client.closed).toEqual({ code, reason: title });
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 0 });
  });

  it('testCloseFrameWithInvalidStatusCode: 5555 is an error of the handler, which ends the connection', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.closeConnection(5555);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('close');

    expect((await client.closed).code).toBe(1011);
  });

  it('testCloseFrameInStream: what was pushed before the close arrives first', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.pushText('1');
        connection.pushText('2');
        connection.closeConnection(1000, 'end of stream');
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('stream');

    expect(await client.closed).toEqual({ code: 1000, reason: 'end of stream' });
    expect(await client.untilClosed()).toEqual(['1', '2']);
  });

  it('testConnectionErrorWithoutOnClose: a close of the peer ends in order without a handler for it', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await connect(server.url(path));

    expect(await client.close(1000, 'bye')).toEqual({ code: 1000, reason: 'bye' });
  });

  it('testConnectionErrorWithOnClose: a close of the peer reaches the handler', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    const { client } = await pair(server, path);
    await client.close(1001, 'bye');

    expect(await closes.next()).toMatchObject({ code: 1001, reason: 'bye' });
  });

  it.each([500, 5_000])('testConnectionClosureTimeout: a silent peer is closed after %i ms', async (closeTimeoutMs) => {
    const clock = new SimulatedClock();
    const { service, opened } = capture(at(path));
    const server = await serve([service], { clock, limits: { closeTimeoutMs } });
    const silent = await rawUpgrade(server.port, path);
    const from = clock.now();

    (await opened.next()).closeConnection();
    await advanceUntil(clock, silent.ended, { limitMs: 20_000, stepMs: 100 });

    expect(clock.now() - from).toBeGreaterThanOrEqual(closeTimeoutMs - 100);
  });

  it('testConnectionClosureTimeoutNegative: -10 is refused by name and value', () => {
    const create = (): unknown =>
      createTroupe({ services: [echo('handlers', at(path))], limits: { closeTimeoutMs: -10 } });

    expect(create).toThrow(RangeError);
    expect(create).toThrow(/closeTimeoutMs.*-10/s);
  });

  it('testParallelServerInitiatedClosure: both sides may close at once', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    for (let round = 0; round < 20; round += 1) {
      const { client, connection } = await pair(server, path);
      void client.close(1000);
      connection.closeConnection(1000);
      expect((await client.closed).code).toBe(1000);
      expect((await closes.next()).code).toBe(1000);
    }
    expect(closes.all).toHaveLength(20);
  });
});

describe('messages', () => {
  it('testCorruptedFrame: a message over the limit reaches onError, then onClose with 1009', async () => {
    const log = new Inbox<string>();
    const service = defineService({
      ...at(path),
      limits: { maxPayload: 1 },
      onError(_connection: Connection, error: unknown) {
        log.push(error instanceof Error ? 'an error' : 'something else');
      },
      onClose(_connection: Connection, { code }: { code: number }) {
        log.push(`close ${code}`);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('Hi');

    expect((await client.closed).code).toBe(1009);
    expect([await log.next(), await log.next()]).toEqual(['an error', 'close 1009']);
  });

  it('testMissingOnText, testMissingOnBinary, testMissingOnPong: unhandled kinds are ignored', async () => {
    const textOnly = defineService({
      ...at('/text/ws'),
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const binaryOnly = defineService({
      ...at('/binary/ws'),
      onBinaryMessage(connection: Connection, data: Uint8Array) {
        connection.pushBinary(data);
      },
    });
    const server = await serve([textOnly, binaryOnly]);
    const [one, two] = [await connect(server.url('/text/ws')), await connect(server.url('/binary/ws'))];
    one.send(bytes('ignored'));
    one.socket.pong('unasked');
    one.send('answered');
    two.send('ignored');
    two.socket.pong('unasked');
    two.send(bytes('answered'));

    expect(await one.next()).toBe('answered');
    expect(await two.next()).toEqual(bytes('answered'));
  });

  it('testPingToBallerinaServer, testAutoPingPongSupport: a ping gets its pong', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await connect(server.url(path));

    await client.ping('data');

    expect(client.pongs.all).toEqual([bytes('data')]);
  });

  it('testReadTextDataChunkSync: a fragmented message arrives whole, text and binary', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await rawUpgrade(server.port, path);
    for (const opcode of [opcodes.text, opcodes.binary]) {
      client.write(
        Buffer.concat([
          frame({ opcode, payload: 'first ', fin: false }),
          frame({ opcode: opcodes.continuation, payload: 'second ', fin: false }),
          frame({ opcode: opcodes.continuation, payload: 'third' }),
        ]),
      );
      expect(await client.nextFrame()).toMatchObject({ opcode, payload: Buffer.from('first second third') });
    }
  });

  it('testSendText, testSendBinary (simple proxy): a service relays to another server and back', async () => {
    const { WebSocket } = await import('ws');
    const remote = await serve([echo('handlers', at('/remote/ws'))]);
    const proxy = defineService({
      ...at(path),
      async onOpen(connection: Connection) {
        const upstream = new WebSocket(remote.url('/remote/ws'));
        connection.attributes.set('upstream', upstream);
        upstream.on('message', (data: Buffer, isBinary: boolean) => {
          if (isBinary) connection.pushBinary(data);
          else connection.pushText(data.toString('utf8'));
        });
        await new Promise((resolve) => upstream.once('open', resolve));
      },
      onTextMessage(connection: Connection, text: string) {
        const upstream = connection.attributes.get('upstream');
        if (upstream instanceof WebSocket) upstream.send(text);
      },
      onBinaryMessage(connection: Connection, data: Uint8Array) {
        const upstream = connection.attributes.get('upstream');
        if (upstream instanceof WebSocket) upstream.send(data);
      },
      onClose(connection: Connection) {
        const upstream = connection.attributes.get('upstream');
        if (upstream instanceof WebSocket) upstream.close();
      },
    });
    const server = await serve([proxy]);
    const client = await connect(server.url(path));
    client.send('hi');
    client.send(bytes('hi'));

    expect(await client.take(2)).toEqual(['hi', bytes('hi')]);
    await client.close();
  });
});

describe('idle time-out', () => {
  it('testOnIdleTimeout, testServerIdletimeout: the service is told and may close with 1000', async () => {
    const clock = new SimulatedClock();
    @BasePath('/idle')
    @WebSocketUpgradePath('/ws')
    @ServiceConfig({ limits: { idleTimeoutMs: 2_000, heartbeatIntervalMs: 0 } })
    class Idle {
      @OnIdle()
      idle(connection: Connection) {
        connection.closeConnection(1000, 'idle');
      }
    }
    const server = await serve([Idle], { clock });
    const client = await connect(server.url('/idle/ws'));

    expect(await advanceUntil(clock, client.closed, { limitMs: 6_000, stepMs: 100 })).toEqual({
      code: 1000,
      reason: 'idle',
    });
  });

  it('testMissingOnIdleTimeout: nobody is told and the connection goes on', async () => {
    const clock = new SimulatedClock();
    @BasePath('/idle')
    @WebSocketUpgradePath('/ws')
    @ServiceConfig({ limits: { idleTimeoutMs: 2_000, heartbeatIntervalMs: 0 } })
    class Patient {
      @OnTextMessage()
      said(connection: Connection, text: string) {
        connection.pushText(text);
      }
    }
    const server = await serve([Patient], { clock });
    const client = await connect(server.url('/idle/ws'));
    for (let passed = 0; passed < 10_000; passed += 500) clock.increment(500);
    client.send('still here');

    expect(await client.next()).toBe('still here');
  });
});

describe('annotations', () => {
  it('hand every event to its method', async () => {
    const log = new Inbox<string>();
    @BasePath('/all')
    @WebSocketUpgradePath('/events')
    class All {
      @OnOpen()
      opened() {
        log.push('open');
      }
      @OnTextMessage()
      said(_connection: Connection, text: string) {
        log.push(text);
      }
      @OnBinaryMessage()
      sent(_connection: Connection, data: Uint8Array) {
        log.push(`${data.length} bytes`);
      }
      @OnError()
      failed() {
        log.push('error');
      }
      @OnClose()
      left(_connection: Connection, { code, reason }: { code: number; reason: string }) {
        log.push(`${code} ${reason}`);
      }
    }
    const server = await serve([All]);
    const client = await connect(server.url('/all/events'));
    client.send('text');
    client.send(Uint8Array.of(1, 2, 3));
    await client.close(4000, 'bye');
    for (let index = 0; index < 4; index += 1) await log.next();

    expect(log.all).toEqual(['open', 'text', '3 bytes', '4000 bye']);
  });
});

describe('attach and detach', () => {
  it('testAttachDetachGracefulStop: is refused after the stop', async () => {
    const server = await serve([]);
    await server.troupe.attachService(echo('handlers', at('/attached/ws')));
    const client = await connect(server.url('/attached/ws'));
    client.send('hi');
    expect(await client.next()).toBe('hi');

    await server.troupe.detachService('/attached/ws', { drain: { timeoutMs: 100 } });
    expect((await client.closed).code).toBe(1001);
    expect(await refused(server.url('/attached/ws'))).toMatchObject({ status: 404 });
    await server.troupe.close();
    await expect(connect(server.url('/attached/ws'))).rejects.toThrow();
  });

  it('testDetachError: detaching twice is an error with a code', async () => {
    const server = await serve([echo('handlers', at(path))]);
    await server.troupe.detachService(path, { drain: { timeoutMs: 100 } });

    await expect(async () => server.troupe.detachService(path)).rejects.toMatchObject({
      code: expect.stringMatching(/^TROUPE_/) as string,
    });
  });
});
