import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at, echo } from '../support/forms.ts';
import { acceptFor, frame, handshake, opcodes, rawConnect, rawUpgrade, type HandshakeFields } from '../support/raw.ts';
import { serve, watch, type ServeOptions, type Server } from '../support/server.ts';

const path = '/test/websocket';

function serveEcho(options: ServeOptions = {}): Promise<Server> {
  return serve([echo('handlers', at(path))], options);
}

async function statusOf(server: Server, fields: HandshakeFields, where = path): Promise<number> {
  const client = await rawConnect(server.port);
  client.write(handshake(where, fields));
  const { status } = await client.answer();
  client.destroy();
  return status;
}

/** The proof that a bad neighbour harmed nobody. */
async function expectToServe(server: Server): Promise<void> {
  const client = await connect(server.url(path));
  client.send('still here');
  expect(await client.next()).toBe('still here');
  await client.terminate();
}

describe('a good handshake', () => {
  it('is answered 101 with the accept key of RFC 6455', async () => {
    const server = await serveEcho();
    const client = await rawConnect(server.port);
    client.write(handshake(path));

    const { status, headers } = await client.answer();

    expect(status).toBe(101);
    expect(headers['sec-websocket-accept']).toBe(acceptFor());
    expect(headers['upgrade']?.toLowerCase()).toBe('websocket');
    expect(headers['connection']?.toLowerCase()).toContain('upgrade');
    expect(headers['sec-websocket-extensions']).toBeUndefined();
  });

  it.each<[string, HandshakeFields]>([
    ['header names and tokens in other cases', { headers: { Upgrade: 'WebSocket', Connection: 'upgrade' } }],
    ["Firefox's list of connection tokens", { headers: { Connection: 'keep-alive, Upgrade' } }],
    ['an offer of compression, which is off', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } }],
    ['an unknown extension', { headers: { 'Sec-WebSocket-Extensions': 'x-unknown; a=1' } }],
  ])('may have %s', async (_title, fields) => {
    const server = await serveEcho();
    const client = await rawUpgrade(server.port, path, fields);
    client.text('hello');

    expect(await client.nextText()).toBe('hello');
  });

  it('may bring its first frames in the same segment: they wait for onOpen and keep their order', async () => {
    const service = defineService({
      ...at(path),
      async onOpen(connection: Connection) {
        await Promise.resolve();
        connection.pushText('opened');
      },
      onTextMessage(connection: Connection, text: string) {
        connection.pushText(text);
      },
    });
    const server = await serve([service]);
    const client = await rawConnect(server.port);
    client.write(
      Buffer.concat([
        Buffer.from(handshake(path)),
        frame({ opcode: opcodes.text, payload: 'one' }),
        frame({ opcode: opcodes.text, payload: 'two' }),
      ]),
    );

    expect((await client.answer()).status).toBe(101);
    expect([await client.nextText(), await client.nextText(), await client.nextText()]).toEqual([
      'opened',
      'one',
      'two',
    ]);
  });

  it('may arrive byte by byte', async () => {
    const server = await serveEcho();
    const client = await rawConnect(server.port);
    for (const byte of Buffer.from(handshake(path))) client.write(Uint8Array.of(byte));

    expect((await client.answer()).status).toBe(101);
  });
});

describe('a malformed handshake', () => {
  it.each<[string, HandshakeFields, number]>([
    ['without a version', { headers: { 'Sec-WebSocket-Version': undefined } }, 400],
    ['of version 12', { headers: { 'Sec-WebSocket-Version': '12' } }, 426],
    ['of version 14', { headers: { 'Sec-WebSocket-Version': '14' } }, 426],
    ['of a version that is no number', { headers: { 'Sec-WebSocket-Version': 'thirteen' } }, 426],
    ['of two versions', { headers: { 'Sec-WebSocket-Version': ['13', '8'] } }, 426],
    ['without a key', { headers: { 'Sec-WebSocket-Key': undefined } }, 400],
    ['with an empty key', { headers: { 'Sec-WebSocket-Key': '' } }, 400],
    ['with a key of 15 bytes', { headers: { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') } }, 400],
    ['with a key of 17 bytes', { headers: { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') } }, 400],
    ['with a key that is not base64', { headers: { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' } }, 400],
    [
      'with two keys',
      { headers: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } },
      400,
    ],
    ['with the method POST', { method: 'POST' }, 405],
    ['with the method DELETE', { method: 'DELETE' }, 405],
    ['without an upgrade header', { headers: { Upgrade: undefined } }, 426],
    ['with a subprotocol list of commas', { headers: { 'Sec-WebSocket-Protocol': ',,' } }, 400],
    ['with a subprotocol that is no token', { headers: { 'Sec-WebSocket-Protocol': 'a b' } }, 400],
    ['without a host', { headers: { Host: undefined } }, 400],
  ])('%s is refused', async (_title, fields, status) => {
    const server = await serveEcho();

    expect(await statusOf(server, fields)).toBe(status);
    await expectToServe(server);
  });

  it.each<[string, HandshakeFields]>([
    ['an upgrade to something else', { headers: { Upgrade: 'h2c' } }],
    ['a connection header without the token', { headers: { Connection: 'keep-alive' } }],
    ['HTTP/1.0', { version: '1.0' }],
    ['an unknown HTTP version', { version: '9.9' }],
    ['a method that does not exist', { method: 'NONSENSE' }],
  ])('with %s never ends in 101', async (_title, fields) => {
    const server = await serveEcho();

    const status = await statusOf(server, fields);

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    await expectToServe(server);
  });

  it('of another version is told which one to use', async () => {
    const server = await serveEcho();
    const client = await rawConnect(server.port);
    client.write(handshake(path, { headers: { 'Sec-WebSocket-Version': '8' } }));

    const { headers } = await client.answer();

    expect(headers['sec-websocket-version']).toBe('13');
  });

  it('with another method is told which one to use', async () => {
    const server = await serveEcho();
    const client = await rawConnect(server.port);
    client.write(handshake(path, { method: 'POST' }));

    const { headers } = await client.answer();

    expect(headers['allow']).toContain('GET');
  });

  it('is reported with its status, code and path', async () => {
    const server = await serveEcho();
    const refusals = watch(server.troupe, 'upgrade.refused');

    await statusOf(server, { headers: { 'Sec-WebSocket-Key': 'short' } });

    expect(await refusals.next()).toMatchObject({ status: 400, path, remoteAddress: '127.0.0.1' });
  });

  it('never reaches the service', async () => {
    const opened: string[] = [];
    const service = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        opened.push(connection.id);
        connection.pushText('hello');
      },
    });
    const server = await serve([service]);
    await statusOf(server, { headers: { 'Sec-WebSocket-Key': undefined } });
    await statusOf(server, { method: 'POST' });
    await statusOf(server, {}, '/elsewhere');

    const client = await connect(server.url(path));
    await client.next();

    expect(opened).toHaveLength(1);
  });

  it('with endless headers is cut off by Node', async () => {
    const server = await serveEcho();

    expect(await statusOf(server, { headers: { 'X-Endless': 'x'.repeat(64 * 1024) } })).toBe(431);
    await expectToServe(server);
  });

  it('of any shape leaves the server serving (property)', async () => {
    const server = await serveEcho();
    const value = fc.oneof(
      fc.string({ minLength: 0, maxLength: 40 }),
      fc.constantFrom('websocket', 'Upgrade', '13', '', ',', 'null', '__proto__', 'http://[', 'a'.repeat(2_000)),
    );
    const headerText = value.map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?'));
    const fields = fc.record(
      {
        Host: headerText,
        Connection: headerText,
        Upgrade: headerText,
        Origin: headerText,
        'Sec-WebSocket-Version': headerText,
        'Sec-WebSocket-Key': headerText,
        'Sec-WebSocket-Protocol': headerText,
        'Sec-WebSocket-Extensions': headerText,
      },
      { requiredKeys: [] },
    );
    const target = fc.constantFrom(path, '/', '*', '//', '/%', '/test/..', '/\u007f', '/?', 'http://x/test/websocket');

    await fc.assert(
      fc.asyncProperty(target, fields, async (where, headers) => {
        const client = await rawConnect(server.port);
        client.write(handshake(where, { headers }));
        // Whatever the answer is, the next one to come is served.
        await Promise.race([client.answer().catch(() => undefined), client.ended]);
        client.destroy();
      }),
      { numRuns: 150 },
    );
    await expectToServe(server);
  });

  it('of random bytes leaves the server serving (property)', async () => {
    // Nothing but line ends is not malformed, but a handshake that has not begun: it ends when its time is over.
    const server = await serveEcho({ limits: { handshakeTimeoutMs: 100 } });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (garbage) => {
        const client = await rawConnect(server.port);
        client.write(garbage);
        client.write('\r\n\r\n');
        await Promise.race([client.answer().catch(() => undefined), client.ended]);
        client.destroy();
      }),
      { numRuns: 50, examples: [[Uint8Array.of(10)], [Uint8Array.of(13, 10)]] },
    );
    await expectToServe(server);
  });
});

describe('an unfinished handshake', () => {
  it('is ended after the time-out', async () => {
    const server = await serveEcho({ limits: { handshakeTimeoutMs: 100 } });
    const client = await rawConnect(server.port);
    client.write('GET /test/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webso');

    await client.ended;

    await expectToServe(server);
  });

  it('that is abandoned harms nobody', async () => {
    const server = await serveEcho();
    for (const part of ['', 'GET', 'GET /test/websocket HTTP/1.1\r\n', handshake(path).slice(0, -2)]) {
      const client = await rawConnect(server.port);
      client.write(part);
      client.reset();
    }

    await expectToServe(server);
  });

  it('that is abandoned right after its last byte leaves no connection behind', async () => {
    const server = await serveEcho();
    const closed = watch(server.troupe, 'connection.closed');
    const client = await rawConnect(server.port);
    await client.upgrade(path);
    client.reset();

    expect(await closed.next()).toMatchObject({ code: 1006 });
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 0 });
  });
});

describe('a limit on connections', () => {
  it('of the server is answered 503 with Retry-After until a place is free', async () => {
    const server = await serveEcho({ limits: { maxConnections: 2 } });
    const closed = watch(server.troupe, 'connection.closed');
    const [first] = [await connect(server.url(path)), await connect(server.url(path))];

    const refusal = await refused(server.url(path));
    expect(refusal.status).toBe(503);
    expect(refusal.headers['retry-after']).toMatch(/^\d+$/);

    await first.close();
    await closed.next();
    await expectToServe(server);
  });

  it('of one service leaves the others open', async () => {
    const small = defineService({ ...at('/small/ws'), limits: { maxConnections: 1 }, onOpen: () => undefined });
    const server = await serve([small, echo('handlers', at(path))]);
    await connect(server.url('/small/ws'));

    expect(await refused(server.url('/small/ws'))).toMatchObject({ status: 503 });
    await expectToServe(server);
  });

  it('frees a place for each lost connection, however it was lost', async () => {
    const server = await serveEcho({ limits: { maxConnections: 1 } });
    const closed = watch(server.troupe, 'connection.closed');
    for (let round = 0; round < 5; round += 1) {
      const client = await rawUpgrade(server.port, path);
      client.reset();
      await closed.next();
    }

    await expectToServe(server);
  });
});
